import { LIMITS } from './limits.ts'

/** When a failed attempt is tried again. The decisions are made in `@foliot/retries`; this is only their data. */
export interface RetryPolicy {
  /** How many attempts a job has in all, the first included. 1 to 1000, default 3. */
  readonly attempts: number
  /** `exponential`: base x factor^(n-1); `linear`: base x n; `fixed`: base. Default `exponential`. */
  readonly kind: 'exponential' | 'linear' | 'fixed'
  /** The delay before the second attempt, in milliseconds, before jitter. Default 1000. */
  readonly baseMs: number
  /** Growth of an exponential delay. Default 2. */
  readonly factor: number
  /** No delay is longer, in milliseconds. Default 60 000. */
  readonly maxMs: number
  /** `full`: anything from 0 to the delay; `equal`: half of it and up; `none`: the delay itself. Default `full`. */
  readonly jitter: 'full' | 'equal' | 'none'
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = Object.freeze({
  attempts: 3,
  kind: 'exponential',
  baseMs: 1000,
  factor: 2,
  maxMs: 60_000,
  jitter: 'full',
})

const KINDS = ['exponential', 'linear', 'fixed']
const JITTERS = ['full', 'equal', 'none']

/**
 * Fills a partial policy with the defaults.
 *
 * @throws TypeError naming the job, the field, what was expected and what came.
 */
export function resolveRetryPolicy(job: string, policy: Partial<RetryPolicy> = {}): RetryPolicy {
  const resolved = { ...DEFAULT_RETRY_POLICY, ...policy }
  const problem = findProblem(resolved)
  if (problem) throw new TypeError(`job "${job}": ${problem}`)
  return Object.freeze(resolved)
}

function findProblem(policy: RetryPolicy): string | undefined {
  for (const field of Object.keys(policy)) {
    if (!(field in DEFAULT_RETRY_POLICY)) {
      return `unknown retry option \`${field}\`; known are ${Object.keys(DEFAULT_RETRY_POLICY).join(', ')}`
    }
  }
  if (!Number.isInteger(policy.attempts) || policy.attempts < 1 || policy.attempts > LIMITS.attempts) {
    return `expected \`retry.attempts\` to be an integer from 1 to ${LIMITS.attempts}, got ${policy.attempts}`
  }
  if (!KINDS.includes(policy.kind))
    return `expected \`retry.kind\` to be one of ${KINDS.join(', ')}, got ${policy.kind}`
  if (!JITTERS.includes(policy.jitter)) {
    return `expected \`retry.jitter\` to be one of ${JITTERS.join(', ')}, got ${policy.jitter}`
  }
  if (!(policy.baseMs >= 0)) return `expected \`retry.baseMs\` to be 0 or more, got ${policy.baseMs}`
  if (!(policy.factor >= 1)) return `expected \`retry.factor\` to be 1 or more, got ${policy.factor}`
  if (!(policy.maxMs >= policy.baseMs)) {
    return `expected \`retry.maxMs\` to be at least \`retry.baseMs\` (${policy.baseMs}), got ${policy.maxMs}`
  }
  return undefined
}
