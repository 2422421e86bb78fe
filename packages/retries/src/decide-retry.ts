import type { RetryPolicy } from '@foliot/jobs'
import { backoffMs, plainBackoffMs } from './backoff.ts'
import type { ClassifiedError } from './classify-error.ts'
import { describeDuration } from './describe-duration.ts'

/** What happens to a job after a failed attempt. `reason` is one line for people. */
export type RetryDecision =
  | { readonly kind: 'retry'; readonly delayMs: number; readonly reason: string }
  | { readonly kind: 'dead'; readonly reason: string }

export interface FailedAttempt {
  policy: RetryPolicy
  /** What the job may use up in all. A request may set it apart from `policy.attempts`. */
  maxAttempts: number
  /** What it has used up, the attempt that just failed included. */
  attemptsUsed: number
  error: Pick<ClassifiedError, 'kind' | 'retryable' | 'retryAfterMs'>
  /** Gives a number from 0 up to, not including, 1. */
  random: () => number
}

/** No wish of an error (`retryAfterMs`, mostly the Retry-After of some server) delays a job for longer: an hour. */
export const RETRY_AFTER_MAX_MS = 60 * 60 * 1000

/** Decides between another attempt and the dead letters. Pure but for `random`. */
export function decideRetry({ policy, maxAttempts, attemptsUsed, error, random }: FailedAttempt): RetryDecision {
  if (!error.retryable) return { kind: 'dead', reason: `not retried: ${error.kind}` }
  const failed = `attempt ${attemptsUsed} of ${maxAttempts} failed`
  if (attemptsUsed >= maxAttempts) return { kind: 'dead', reason: `${failed}, none left` }
  const delayMs = backoffMs(policy, attemptsUsed, random)
  const reason = `${failed}, ${describeBackoff(policy, attemptsUsed, delayMs)}`
  return raise(delayMs, reason, error.retryAfterMs ?? 0)
}

function describeBackoff(policy: RetryPolicy, failures: number, delayMs: number): string {
  const plain = `${policy.kind} ${describeDuration(plainBackoffMs(policy, failures))}`
  return policy.jitter === 'none' ? plain : `${plain} with ${policy.jitter} jitter: ${describeDuration(delayMs)}`
}

function raise(delayMs: number, reason: string, wishedMs: number): RetryDecision {
  const raisedMs = Math.ceil(Math.min(wishedMs, RETRY_AFTER_MAX_MS))
  if (!(raisedMs > delayMs)) return { kind: 'retry', delayMs, reason }
  const raised = `raised to ${describeDuration(raisedMs)} by the error's retryAfterMs`
  const cut = wishedMs > RETRY_AFTER_MAX_MS ? `, the most for its ${describeDuration(wishedMs)}` : ''
  return { kind: 'retry', delayMs: raisedMs, reason: `${reason}, ${raised}${cut}` }
}
