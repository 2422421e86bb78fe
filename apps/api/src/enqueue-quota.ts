import type { KeyRing } from '@foliot/access'
import { FoliotError } from '@foliot/jobs'
import { takeTokens } from '@foliot/queue'
import type { Redis } from 'ioredis'

/** How many jobs a tenant may enqueue now, and what its callers are told of its limits. */
export interface Leave {
  /** Of the jobs that were asked for. */
  granted: number
  /**
   * `RateLimit` and `RateLimit-Policy`, as draft-ietf-httpapi-ratelimit-headers has them; none for a tenant without limits.
   *
   * @param open how many jobs of the tenant have not ended, as far as that is known
   */
  headers(open?: number): Record<string, string>
  /** What is answered to the others. */
  refusal(): FoliotError
}

/** Takes leave for some jobs. They are asked for before they are stored: what is refused then was asked for all the same. */
export async function askLeave(
  { redis, access }: { redis: Redis; access: KeyRing },
  tenant: string,
  jobs: number,
): Promise<Leave> {
  const { enqueueRate: rate, maxDepth } = access.limitsOf(tenant) ?? {}
  const tokens = rate && (await takeTokens(redis, tenant, rate, jobs))
  return {
    granted: tokens?.taken ?? jobs,
    headers(open) {
      const policies: string[] = []
      const states: string[] = []
      if (rate && tokens) {
        policies.push(`"enqueue";q=${rate.max};w=${seconds(rate.perMs)}`)
        states.push(`"enqueue";r=${tokens.left};t=${seconds(tokens.fullInMs)}`)
      }
      if (maxDepth !== undefined) {
        policies.push(`"open-jobs";q=${maxDepth}`)
        if (open !== undefined) states.push(`"open-jobs";r=${Math.max(0, maxDepth - open)}`)
      }
      return {
        ...(policies.length > 0 && { 'ratelimit-policy': policies.join(', ') }),
        ...(states.length > 0 && { ratelimit: states.join(', ') }),
      }
    },
    refusal() {
      const { max, perMs } = rate as { max: number; perMs: number }
      return new FoliotError(
        'rate_limited',
        `expected at most ${max} jobs of tenant ${tenant} in ${perMs} ms, got more`,
        {
          retryAfterSeconds: seconds(tokens?.nextInMs ?? perMs),
          hint: 'send them later, or have the limit of the tenant raised',
        },
      )
    },
  }
}

const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000))
