import { LIMITS, type RetryPolicy } from '@foliot/jobs'

/**
 * The delay before the attempt that follows `failures` failures, in whole milliseconds. Finite whatever the policy is.
 *
 * @param failures how many attempts have failed; less than 1 counts as 1.
 * @param random gives a number from 0 up to, not including, 1. Not called without jitter.
 */
export function backoffMs(policy: RetryPolicy, failures: number, random: () => number): number {
  const delayMs = plainBackoffMs(policy, failures)
  if (policy.jitter === 'full') return Math.round(delayMs * random())
  if (policy.jitter === 'equal') return Math.round(delayMs / 2 + (delayMs / 2) * random())
  return Math.round(delayMs)
}

/** The delay before jitter, in milliseconds. A policy without a cap is capped where `runAt` is. */
export function plainBackoffMs({ kind, baseMs, factor, maxMs }: RetryPolicy, failures: number): number {
  // 0 times an overflowed power would be NaN.
  if (baseMs === 0) return 0
  const failed = Math.min(Math.max(1, failures), LIMITS.attempts)
  const growth = kind === 'exponential' ? factor ** (failed - 1) : kind === 'linear' ? failed : 1
  return Math.min(baseMs * growth, maxMs, LIMITS.runAheadMs)
}
