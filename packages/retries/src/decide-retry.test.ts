import { DEFAULT_RETRY_POLICY } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { decideRetry, type FailedAttempt } from './decide-retry.ts'

const decide = (attempt: Partial<FailedAttempt>) =>
  decideRetry({
    policy: DEFAULT_RETRY_POLICY,
    maxAttempts: 5,
    attemptsUsed: 3,
    error: { kind: 'error', retryable: true },
    random: () => 0.675,
    ...attempt,
  })

const wish = (retryAfterMs: number) => ({ kind: 'error', retryable: true, retryAfterMs })

describe('decideRetry', () => {
  it('tries again after the backoff and says how it came to it', () => {
    expect(decide({})).toEqual({
      kind: 'retry',
      delayMs: 2700,
      reason: 'attempt 3 of 5 failed, exponential 4 s with full jitter: 2.7 s',
    })
  })

  it('does not speak of jitter where there is none', () => {
    const policy = { ...DEFAULT_RETRY_POLICY, kind: 'fixed', jitter: 'none' } as const
    expect(decide({ policy })).toEqual({ kind: 'retry', delayMs: 1000, reason: 'attempt 3 of 5 failed, fixed 1 s' })
  })

  it('gives up with the last attempt, and beyond it', () => {
    expect(decide({ maxAttempts: 3 })).toEqual({ kind: 'dead', reason: 'attempt 3 of 3 failed, none left' })
    expect(decide({ maxAttempts: 2 })).toEqual({ kind: 'dead', reason: 'attempt 3 of 2 failed, none left' })
  })

  it('goes by the maximum of the job, not of the policy', () => {
    expect(decide({ maxAttempts: 4, policy: { ...DEFAULT_RETRY_POLICY, attempts: 1 } }).kind).toBe('retry')
  })

  it('does not retry what says that no retry can mend it', () => {
    expect(decide({ attemptsUsed: 1, error: { kind: 'unrecoverable', retryable: false } })).toEqual({
      kind: 'dead',
      reason: 'not retried: unrecoverable',
    })
  })

  it('waits as long as the error asks for, if that is longer', () => {
    expect(decide({ error: wish(30_000) })).toEqual({
      kind: 'retry',
      delayMs: 30_000,
      reason:
        "attempt 3 of 5 failed, exponential 4 s with full jitter: 2.7 s, raised to 30 s by the error's retryAfterMs",
    })
    expect(decide({ error: wish(2000) }).reason).not.toContain('raised')
  })

  it.each([5 * 3_600_000, Number.MAX_VALUE, Number.POSITIVE_INFINITY])('waits an hour for a wish of %d ms', (ms) => {
    expect(decide({ error: wish(ms) })).toMatchObject({
      kind: 'retry',
      delayMs: 3_600_000,
      reason: expect.stringMatching(/raised to 1 h by the error's retryAfterMs, the most for its /),
    })
  })

  it('does not let a wish shorten a policy that waits longer than an hour', () => {
    const policy = { ...DEFAULT_RETRY_POLICY, kind: 'fixed', jitter: 'none', baseMs: 9e6, maxMs: 9e6 } as const
    expect(decide({ policy, error: wish(8e6) })).toMatchObject({ kind: 'retry', delayMs: 9e6 })
  })
})
