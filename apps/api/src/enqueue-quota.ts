import type { KeyRing } from '@foliot/access'
import { FoliotError } from '@foliot/jobs'
import { QuotaReached, takeTokens } from '@foliot/queue'
import type { Redis } from 'ioredis'
import type { Viewer } from './viewer.ts'

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
  /** For jobs that were not taken after all. */
  giveBack(jobs: number): Promise<void>
}

/** Takes leave for some jobs, before they are stored. */
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
    async giveBack(back) {
      if (rate && back > 0) await takeTokens(redis, tenant, rate, -back)
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

/** Why a job was not taken, for who sees one tenant: how many jobs of all there are is not to be told. */
export function refusalFor<E>({ tenant }: Viewer, error: E): E | FoliotError {
  if (tenant === undefined || !(error instanceof FoliotError)) return error
  if (error.code !== 'backpressure' || error instanceof QuotaReached) return error
  const { retryAfterSeconds } = error
  return new FoliotError('backpressure', 'expected a queue with room for one more job, found it full', {
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    hint: 'try again later',
  })
}
