import { type Backoff, DEFAULT_RETRY_POLICY, defineJob, type JobSchema, type RetryOptions } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { decideRetry, type FailedAttempt, RETRY_AFTER_MAX_MS } from './decide-retry.ts'
import { dice } from './fixtures/dice.ts'

const error = { name: 'Error', kind: 'error', retryable: true }
const decide = (attempt: Partial<FailedAttempt>) =>
  decideRetry({
    policy: DEFAULT_RETRY_POLICY,
    maxAttempts: 5,
    attemptsUsed: 3,
    error,
    random: () => 0.675,
    ...attempt,
  } as FailedAttempt)

const wish = (retryAfterMs: number) => ({ ...error, retryAfterMs })

const describeNothing = { input: () => ({}), output: () => ({}) }
const anything: JobSchema = {
  '~standard': { version: 1, vendor: 'none', validate: (value) => ({ value }), jsonSchema: describeNothing },
}

/** A policy as a job type has it. */
const policyOf = (retry: RetryOptions) => defineJob({ name: 'a.b', input: anything, retry }).retry

describe('decideRetry', () => {
  it('tries again after the backoff and says how it came to it', () => {
    expect(decide({})).toEqual({
      kind: 'retry',
      delayMs: 2700,
      reason: 'attempt 3 of 5 failed, exponential 4 s with full jitter: 2.7 s',
    })
  })

  it.each<[RetryOptions, number, string]>([
    [{ kind: 'linear', jitter: 'equal' }, 2513, 'linear 3 s with equal jitter: 2.5 s'],
    [{ kind: 'linear', stepMs: 500, jitter: 'none' }, 2000, 'linear 2 s'],
    [{ kind: 'fixed', jitter: 'none' }, 1000, 'fixed 1 s'],
    [{ kind: 'list', delaysMs: [1000, 60_000], jitter: 'none' }, 60_000, 'list 1 min (delay 2 of 2)'],
    [{ maxMs: 2000, jitter: 'none' }, 2000, 'exponential 2 s (capped)'],
  ])('goes by %j', (options, delayMs, text) => {
    const reason = `attempt 3 of 5 failed, ${text}`
    expect(decide({ policy: policyOf(options) })).toEqual({ kind: 'retry', delayMs, reason })
  })

  it('gives up with the last attempt, and beyond it', () => {
    expect(decide({ maxAttempts: 3 })).toEqual({ kind: 'dead', reason: 'attempt 3 of 3 failed, none left' })
    expect(decide({ maxAttempts: 2 })).toEqual({ kind: 'dead', reason: 'attempt 3 of 2 failed, none left' })
  })

  it('goes by the maximum of the job, not of the policy', () => {
    expect(decide({ maxAttempts: 4, policy: { ...DEFAULT_RETRY_POLICY, attempts: 1 } }).kind).toBe('retry')
  })

  it('does not retry what says that no retry can mend it', () => {
    expect(decide({ attemptsUsed: 1, error: { ...error, kind: 'unrecoverable', retryable: false } })).toEqual({
      kind: 'dead',
      reason: 'not retried: unrecoverable',
    })
  })

  it('does not roll the dice for a job that is dead', () => {
    const random = () => {
      throw new Error('rolled')
    }
    const policy = policyOf({ errors: [{ match: {}, retry: false }] })
    expect(decide({ random, policy }).kind).toBe('dead')
    expect(decide({ random, maxAttempts: 3 }).kind).toBe('dead')
    expect(decide({ random, error: { ...error, retryable: false } }).kind).toBe('dead')
  })
})

describe('the wish of an error', () => {
  it('is the least that is waited', () => {
    expect(decide({ error: wish(30_000) })).toEqual({
      kind: 'retry',
      delayMs: 30_000,
      reason:
        "attempt 3 of 5 failed, exponential 4 s with full jitter: 2.7 s, raised to 30 s by the error's retryAfterMs",
    })
  })

  it.each([0, 2000, 2700])('of %d ms does not shorten the delay', (ms) => {
    expect(decide({ error: wish(ms) })).toEqual(decide({}))
  })

  it('is not cut by the cap of the policy', () => {
    expect(decide({ error: wish(600_000) })).toMatchObject({ kind: 'retry', delayMs: 600_000 })
  })

  it('is rounded up to a whole millisecond', () => {
    expect(decide({ error: wish(5000.2) })).toMatchObject({ delayMs: 5001 })
  })

  it.each([5 * 3_600_000, Number.MAX_VALUE, Number.POSITIVE_INFINITY])('of %d ms is granted for an hour', (ms) => {
    expect(decide({ error: wish(ms) })).toMatchObject({
      kind: 'retry',
      delayMs: 3_600_000,
      reason: expect.stringMatching(/raised to 1 h by the error's retryAfterMs, the most for its /),
    })
  })

  it('does not shorten a policy that waits longer than an hour', () => {
    const policy = policyOf({ kind: 'fixed', jitter: 'none', baseMs: 9e6 })
    expect(decide({ policy, error: wish(8e6) })).toMatchObject({ kind: 'retry', delayMs: 9e6 })
  })

  it('does not bring back what is not retried', () => {
    expect(decide({ maxAttempts: 3, error: wish(5) }).kind).toBe('dead')
    expect(decide({ error: { ...wish(5), retryable: false } }).kind).toBe('dead')
  })
})

describe('a rule for a class of errors', () => {
  const policy = policyOf({
    jitter: 'none',
    errors: [
      { match: { kind: 'card_declined' }, retry: false },
      { match: { name: 'TypeError' }, retry: false },
      { match: { kind: 'rate_limited' }, retry: { kind: 'fixed', baseMs: 30_000 } },
      { match: { kind: 'timeout' }, retry: true },
      { match: { kind: 'busy' }, retry: { kind: 'list', delaysMs: [1000, 5000], jitter: 'full' } },
    ],
  })
  const failing = (fields: Partial<FailedAttempt['error']>) => ({ policy, error: { ...error, ...fields } })

  it('may end the job, whatever attempts are left', () => {
    expect(decide({ attemptsUsed: 1, ...failing({ kind: 'card_declined' }) })).toEqual({
      kind: 'dead',
      reason: 'not retried: card_declined, by the rule for kind card_declined',
    })
    expect(decide(failing({ name: 'TypeError' }))).toEqual({
      kind: 'dead',
      reason: 'not retried: error, by the rule for name TypeError',
    })
  })

  it('may have it wait otherwise', () => {
    expect(decide(failing({ kind: 'rate_limited' }))).toEqual({
      kind: 'retry',
      delayMs: 30_000,
      reason: 'attempt 3 of 5 failed, fixed 30 s, by the rule for kind rate_limited',
    })
    expect(decide(failing({ kind: 'busy' }))).toEqual({
      kind: 'retry',
      delayMs: 3375,
      reason: 'attempt 3 of 5 failed, list 5 s (delay 2 of 2) with full jitter: 3.4 s, by the rule for kind busy',
    })
  })

  it('leaves the number of attempts alone', () => {
    expect(decide({ maxAttempts: 3, ...failing({ kind: 'rate_limited' }) })).toEqual({
      kind: 'dead',
      reason: 'attempt 3 of 3 failed, none left',
    })
  })

  it('may keep errors from a rule behind it, and they are retried by the policy', () => {
    const only = policyOf({
      jitter: 'none',
      errors: [
        { match: { kind: 'timeout' }, retry: true },
        { match: {}, retry: false },
      ],
    })
    const reason = 'attempt 3 of 5 failed, exponential 4 s'
    const timeout = { ...error, kind: 'timeout' }
    expect(decide({ policy: only, error: timeout })).toEqual({ kind: 'retry', delayMs: 4000, reason })
    expect(decide({ policy: only })).toEqual({ kind: 'dead', reason: 'not retried: error, by the rule for any error' })
  })

  it('is not for errors that it does not match', () => {
    expect(decide(failing({}))).toMatchObject({ delayMs: 4000, reason: 'attempt 3 of 5 failed, exponential 4 s' })
  })

  it('does not bring back what says that no retry can mend it', () => {
    expect(decide(failing({ kind: 'timeout', retryable: false }))).toEqual({
      kind: 'dead',
      reason: 'not retried: timeout',
    })
  })

  it('gives way to an error that wishes for longer', () => {
    expect(decide(failing({ kind: 'rate_limited', retryAfterMs: 60_000 }))).toMatchObject({
      delayMs: 60_000,
      reason: expect.stringMatching(/fixed 30 s, by the rule for kind rate_limited, raised to 1 min by the error's/),
    })
  })
})

describe('a deadline', () => {
  const now = Date.UTC(2030, 0, 1)

  it('ends the job now if the next attempt would start after it', () => {
    expect(decide({ now, deadline: now + 1200 })).toEqual({
      kind: 'dead',
      reason: 'attempt 3 of 5 failed, exponential 4 s with full jitter: 2.7 s, not retried: the deadline is in 1.2 s',
    })
  })

  it('that has passed ends it too, even without a delay', () => {
    const policy = policyOf({ kind: 'fixed', baseMs: 0 })
    expect(decide({ policy, now, deadline: now - 5000 })).toEqual({
      kind: 'dead',
      reason: 'attempt 3 of 5 failed, fixed 0 ms with full jitter: 0 ms, not retried: the deadline was 5 s ago',
    })
  })

  it('leaves room for an attempt that starts by it', () => {
    expect(decide({ now, deadline: now + 2700 })).toEqual(decide({}))
    expect(decide({ now, deadline: now + 2699 }).kind).toBe('dead')
  })

  it('is not passed for the sake of a Retry-After', () => {
    expect(decide({ now, deadline: now + 10_000, error: wish(30_000) })).toEqual({
      kind: 'dead',
      reason:
        'attempt 3 of 5 failed, exponential 4 s with full jitter: 2.7 s, ' +
        "raised to 30 s by the error's retryAfterMs, not retried: the deadline is in 10 s",
    })
  })

  it('does not matter where there is none', () => {
    expect(decide({ now, deadline: undefined })).toEqual(decide({}))
    expect(decide({ now })).toEqual(decide({}))
  })
})

describe('over many random jobs', () => {
  const KINDS = ['exponential', 'linear', 'fixed', 'list'] as const
  const JITTERS = ['full', 'equal', 'none'] as const

  const backoffOf = (pick: <T>(values: readonly T[]) => T): Partial<Backoff> => {
    const kind = pick(KINDS)
    return {
      kind,
      jitter: pick(JITTERS),
      maxMs: pick([5000, 60_000, 1e9]),
      ...(kind === 'exponential' && { factor: pick([1, 1.5, 2, 10, 1e300]) }),
      ...(kind === 'linear' && { stepMs: pick([0, 5, 7000]) }),
      ...(kind === 'list' && { delaysMs: [pick([0, 7]), pick([9000, 1, 1e8])] }),
    }
  }

  /** One job that fails until it is dead: the delays it got and could have got, and the decision that ended it. */
  function failUntilDead(seed: number) {
    const random = dice(seed)
    const pick = <T>(values: readonly T[]) => values[Math.floor(random() * values.length)] as T
    const policy = policyOf({
      ...backoffOf(pick),
      errors: [
        { match: { kind: 'never' }, retry: false },
        { match: { kind: 'busy' }, retry: backoffOf(pick) },
      ],
    })
    const maxAttempts = pick([1, 3, 40, 1000])
    const start = Date.UTC(2030, 0, 1)
    const deadline = start + pick([0, 10_000, 3_600_000, 1e10])
    const delays: { ms: number; leastMs: number; mostMs: number }[] = []
    for (let now = start, attemptsUsed = 1; ; attemptsUsed++) {
      const retryAfterMs = pick([undefined, undefined, 0, 2500, 1e12])
      const kind = pick(['error', 'busy'])
      const failure = { ...error, kind, ...(retryAfterMs !== undefined && { retryAfterMs }) }
      const decision = decideRetry({ policy, maxAttempts, attemptsUsed, error: failure, random, deadline, now })
      if (decision.kind === 'dead') return { delays, decision, maxAttempts, budgetMs: deadline - start }
      const backoff = kind === 'busy' ? policy.errors?.[1]?.retry : policy
      const capMs = typeof backoff === 'object' ? backoff.maxMs : 0
      const leastMs = Math.min(retryAfterMs ?? 0, RETRY_AFTER_MAX_MS)
      delays.push({ ms: decision.delayMs, leastMs, mostMs: Math.max(capMs, leastMs) })
      now += decision.delayMs
    }
  }

  const jobs = Array.from({ length: 2000 }, (_, seed) => failUntilDead(seed))

  it('all delays together never go beyond the deadline', () => {
    for (const { delays, budgetMs } of jobs) {
      expect(delays.reduce((total, { ms }) => total + ms, 0)).toBeLessThanOrEqual(budgetMs)
    }
  })

  it('a delay is a whole number, no less than what the error asked for and no more than that or the cap', () => {
    const delays = jobs.flatMap((job) => job.delays)
    const wrong = delays.filter(({ ms, leastMs, mostMs }) => !(Number.isInteger(ms) && ms >= leastMs && ms <= mostMs))
    expect(wrong).toEqual([])
    expect(delays.length).toBeGreaterThan(10_000)
  })

  it('a job dies of its attempts or of its deadline, and says of which', () => {
    const died = jobs.map(({ delays, decision, maxAttempts }) => {
      if (/not retried: the deadline (is in|was) /.test(decision.reason)) return 'deadline'
      expect(decision.reason).toBe(`attempt ${maxAttempts} of ${maxAttempts} failed, none left`)
      expect(delays).toHaveLength(maxAttempts - 1)
      return 'attempts'
    })
    // Both ends have to be common, or the two tests above would say little.
    expect(died.filter((end) => end === 'deadline').length).toBeGreaterThan(300)
    expect(died.filter((end) => end === 'attempts').length).toBeGreaterThan(300)
  })
})
