import { type Backoff, LIMITS } from '@foliot/jobs'

/**
 * The delay before the attempt that follows `failures` failures: whole milliseconds from 0 to the cap, whatever the
 * numbers are.
 *
 * @param failures how many attempts have failed; less than 1 counts as 1.
 * @param random gives a number from 0 up to, not including, 1. Not called without jitter.
 */
export function backoffMs(backoff: Backoff, failures: number, random: () => number): number {
  return spread(plainBackoffMs(backoff, failures), backoff.jitter, random)
}

/** The delay before jitter, in milliseconds. A backoff without a cap is capped where `runAt` is. */
export function plainBackoffMs(backoff: Backoff, failures: number): number {
  return Math.min(uncappedMs(backoff, failures), backoff.maxMs, LIMITS.runAheadMs)
}

/** Whether it is the cap that sets the delay. */
export const isCapped = (backoff: Backoff, failures: number): boolean =>
  uncappedMs(backoff, failures) > plainBackoffMs(backoff, failures)

/** Grows beyond all numbers, up to Infinity, but is never NaN. */
function uncappedMs({ kind, baseMs, factor, stepMs = baseMs, delaysMs = [] }: Backoff, failures: number): number {
  const before = Math.min(Math.max(1, failures), LIMITS.attempts) - 1
  switch (kind) {
    case 'exponential':
      // 0 times an overflowed power would be NaN.
      return baseMs === 0 ? 0 : baseMs * factor ** before
    case 'linear':
      return baseMs + stepMs * before
    case 'fixed':
      return baseMs
    case 'list':
      return delaysMs[before] ?? delaysMs.at(-1) ?? baseMs
  }
}

/**
 * Spreads jobs that failed together, so that they do not come back together.
 *
 * The two ways are "Full Jitter" and "Equal Jitter" of Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture
 * Blog, 2015 (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). The full one costs the fewest calls
 * in all; the equal one never comes back at once.
 */
function spread(delayMs: number, jitter: Backoff['jitter'], random: () => number): number {
  if (jitter === 'full') return Math.round(delayMs * random())
  if (jitter === 'equal') return Math.round(delayMs / 2 + (delayMs / 2) * random())
  return Math.round(delayMs)
}
