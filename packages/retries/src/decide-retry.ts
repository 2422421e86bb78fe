import type { RetryPolicy, RetryRule } from '@foliot/jobs'
import { backoffMs } from './backoff.ts'
import type { ClassifiedError } from './classify-error.ts'
import { describeBackoff } from './describe-backoff.ts'
import { describeDuration } from './describe-duration.ts'
import { describeRule, findRule } from './find-rule.ts'

/** What happens to a job after a failed attempt. `reason` is one line for people. */
export type RetryDecision =
  | { readonly kind: 'retry'; readonly delayMs: number; readonly reason: string }
  | { readonly kind: 'dead'; readonly reason: string }

export type FailedAttempt = Failure & Budget

interface Failure {
  policy: RetryPolicy
  /** What the job may use up in all. A request may set it apart from `policy.attempts`. */
  maxAttempts: number
  /** What it has used up, the attempt that just failed included. */
  attemptsUsed: number
  error: Pick<ClassifiedError, 'name' | 'kind' | 'retryable' | 'retryAfterMs'>
  /** Gives a number from 0 up to, not including, 1. */
  random: () => number
}

/**
 * The time a job has in all. No attempt is planned for later than `deadline`, in ms since 1970; undefined is never.
 * `now` is told by the same clock.
 */
type Budget = { deadline: number | undefined; now: number } | { deadline?: undefined; now?: number }

/** No wish of an error (`retryAfterMs`, mostly the Retry-After of some server) delays a job for longer: an hour. */
export const RETRY_AFTER_MAX_MS = 60 * 60 * 1000

/** Decides between another attempt and the dead letters. Pure but for `random`. */
export function decideRetry(attempt: FailedAttempt): RetryDecision {
  const { policy, maxAttempts, attemptsUsed, error } = attempt
  if (!error.retryable) return { kind: 'dead', reason: `not retried: ${error.kind}` }
  const rule = findRule(policy.errors, error)
  if (rule?.retry === false) return { kind: 'dead', reason: `not retried: ${error.kind}, by ${describeRule(rule)}` }
  const failed = `attempt ${attemptsUsed} of ${maxAttempts} failed`
  if (attemptsUsed >= maxAttempts) return { kind: 'dead', reason: `${failed}, none left` }
  const { delayMs, because } = honour(error.retryAfterMs, plan(attempt, rule))
  const reason = [failed, ...because].join(', ')
  const late = describeLate(attempt, delayMs)
  return late === undefined ? { kind: 'retry', delayMs, reason } : { kind: 'dead', reason: `${reason}, ${late}` }
}

/** A delay, and what made it what it is. */
interface Plan {
  delayMs: number
  because: readonly string[]
}

function plan({ policy, attemptsUsed, random }: Failure, rule: RetryRule | undefined): Plan {
  const ruled = typeof rule?.retry === 'object'
  const backoff = ruled ? rule.retry : policy
  const delayMs = backoffMs(backoff, attemptsUsed, random)
  const described = describeBackoff(backoff, attemptsUsed, delayMs)
  return { delayMs, because: ruled ? [described, `by ${describeRule(rule)}`] : [described] }
}

/** Raises a delay to what the error asks for. */
function honour(retryAfterMs: number | undefined, { delayMs, because }: Plan): Plan {
  const wishedMs = retryAfterMs ?? 0
  const raisedMs = Math.ceil(Math.min(wishedMs, RETRY_AFTER_MAX_MS))
  if (!(raisedMs > delayMs)) return { delayMs, because }
  const raised = `raised to ${describeDuration(raisedMs)} by the error's retryAfterMs`
  const cut = wishedMs > RETRY_AFTER_MAX_MS ? [`the most for its ${describeDuration(wishedMs)}`] : []
  return { delayMs: raisedMs, because: [...because, raised, ...cut] }
}

/** Why the budget has no room for an attempt after this delay; undefined if it has. */
function describeLate({ deadline, now }: Budget, delayMs: number): string | undefined {
  if (deadline === undefined || now + delayMs <= deadline) return undefined
  const left = deadline - now
  return left > 0
    ? `not retried: the deadline is in ${describeDuration(left)}`
    : `not retried: the deadline was ${describeDuration(-left)} ago`
}
