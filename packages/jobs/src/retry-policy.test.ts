import { describe, expect, it } from 'vitest'
import { LIMITS } from './limits.ts'
import { DEFAULT_RETRY_POLICY, type RetryOptions, type RetryPolicy, resolveRetryPolicy } from './retry-policy.ts'

const resolve = (options?: unknown) => resolveRetryPolicy('a.b', options as RetryOptions)
const noon = { match: { kind: 'noon' }, retry: false }

/** The backoff of the only rule, as it is resolved. */
function ruled(retry: object, policy: RetryOptions = {}) {
  const [rule] = resolve({ ...policy, errors: [{ match: { kind: 'busy' }, retry }] }).errors ?? []
  return rule?.retry
}

describe('resolveRetryPolicy', () => {
  it('fills in the defaults', () => {
    expect(resolve()).toEqual(DEFAULT_RETRY_POLICY)
    expect(resolve({ attempts: 5, jitter: 'none' })).toEqual({ ...DEFAULT_RETRY_POLICY, attempts: 5, jitter: 'none' })
  })

  it.each<RetryOptions>([
    { attempts: 1 },
    { attempts: LIMITS.attempts },
    { kind: 'linear' },
    { kind: 'linear', stepMs: 0 },
    { kind: 'fixed', baseMs: 0, maxMs: 0 },
    { kind: 'list', delaysMs: [0] },
    { kind: 'list', delaysMs: Array.from({ length: LIMITS.attempts }, () => 5) },
    { kind: 'list', delaysMs: [10, 9000], maxMs: 10 },
    { factor: 1 },
    { factor: 1.5, maxMs: 1e9 },
    { factor: Number.MAX_VALUE, maxMs: LIMITS.runAheadMs },
    { jitter: 'equal' },
    { errors: [] },
  ])('accepts %j', (policy) => {
    expect(resolve(policy)).toMatchObject(policy)
  })

  it.each<[RetryOptions, number]>([
    [{ kind: 'fixed', baseMs: 300_000 }, 300_000],
    [{ kind: 'list', delaysMs: [1000, 3_600_000, 60_000] }, 3_600_000],
    [{ kind: 'fixed', baseMs: 5 }, 60_000],
    [{ kind: 'list', delaysMs: [5] }, 60_000],
    [{ kind: 'list', delaysMs: [5, 500], maxMs: 100 }, 100],
  ])('caps %j at %d ms', (policy, maxMs) => {
    expect(resolve(policy).maxMs).toBe(maxMs)
  })

  it.each<RetryOptions>([
    {},
    { kind: 'linear', stepMs: 7, errors: [{ match: { kind: 'busy' }, retry: { jitter: 'none' } }] },
    {
      kind: 'fixed',
      baseMs: 300_000,
      errors: [{ match: { kind: 'busy' }, retry: { kind: 'exponential', maxMs: 1e6 } }],
    },
    { factor: 3, errors: [{ match: {}, retry: { kind: 'list', delaysMs: [5, 100_000] } }] },
    {
      kind: 'list',
      delaysMs: [5],
      errors: [{ match: { name: 'TypeError' }, retry: { kind: 'fixed', baseMs: 90_000 } }],
    },
    { errors: [noon, { match: {}, retry: true }] },
  ])('leaves a policy alone that it has filled: %j', (options) => {
    const policy = resolve(options)
    expect(resolve(policy)).toEqual(policy)
  })

  it('gives what survives JSON, as that is how it is announced', () => {
    const policy = resolve({ kind: 'list', delaysMs: [5], errors: [{ match: { kind: 'busy' }, retry: { maxMs: 9 } }] })
    expect(JSON.parse(JSON.stringify(policy))).toEqual(policy)
  })

  it('freezes all of it, and takes no hold of what it was given', () => {
    const delaysMs = [5, 6]
    const errors = [{ match: { kind: 'busy' }, retry: { kind: 'list', delaysMs } as const }]
    const policy: RetryPolicy = resolve({ kind: 'list', delaysMs, errors })
    const [rule] = policy.errors ?? []
    const backoff = rule?.retry as RetryPolicy
    const parts = [policy, policy.delaysMs, policy.errors, rule, rule?.match, backoff, backoff.delaysMs]
    expect(parts.map((part) => typeof part === 'object' && Object.isFrozen(part))).toEqual(parts.map(() => true))
    delaysMs.push(7)
    errors.pop()
    expect([policy.delaysMs, backoff.delaysMs, policy.errors?.length]).toEqual([[5, 6], [5, 6], 1])
  })

  const whole = `an integer from 0 to ${LIMITS.runAheadMs}`
  it.each<[object, string]>([
    [{ attempts: 0 }, 'expected `retry.attempts` to be an integer from 1 to 1000, got 0'],
    [{ attempts: 1001 }, 'expected `retry.attempts` to be an integer from 1 to 1000, got 1001'],
    [{ attempts: 1.5 }, 'expected `retry.attempts` to be an integer'],
    [{ attempts: '3' }, 'got "3"'],
    [{ kind: 'quadratic' }, 'expected `retry.kind` to be one of exponential, linear, fixed, list, got "quadratic"'],
    [{ jitter: 'some' }, 'expected `retry.jitter` to be one of full, equal, none, got "some"'],
    [{ baseMs: -1 }, `expected \`retry.baseMs\` to be ${whole}, got -1`],
    [{ baseMs: Number.NaN }, 'got NaN'],
    [{ baseMs: 0.5 }, 'got 0.5'],
    [{ maxMs: Number.POSITIVE_INFINITY }, `expected \`retry.maxMs\` to be ${whole}, got Infinity`],
    [{ maxMs: undefined }, 'expected `retry.maxMs` to be an integer'],
    [{ factor: 0.9 }, 'expected `retry.factor` to be a number of 1 or more, got 0.9'],
    [{ factor: Number.POSITIVE_INFINITY }, 'expected `retry.factor` to be a number of 1 or more, got Infinity'],
    [{ baseMs: 100, maxMs: 99 }, 'expected `retry.maxMs` to be at least `retry.baseMs` (100), got 99'],
    [{ baseMs: 60_001 }, 'expected `retry.maxMs` to be at least `retry.baseMs` (60001), got 60000'],
    [{ kind: 'list', delaysMs: [5], maxMs: 4 }, '`retry.maxMs` to be at least `retry.delaysMs[0]` (5), got 4'],
    [{ kind: 'list' }, 'expected `retry.delaysMs` with the kind list, got none'],
    [{ kind: 'list', delaysMs: [] }, `\`retry.delaysMs\` to be a list of 1 to 1000 delays, each ${whole}, got []`],
    [{ kind: 'list', delaysMs: Array.from({ length: 1001 }, () => 5) }, '`retry.delaysMs` to be a list of 1 to 1000'],
    [{ kind: 'list', delaysMs: [1, Number.NaN] }, 'got [1, NaN]'],
    [{ kind: 'list', delaysMs: 5 }, '`retry.delaysMs` to be a list of 1 to 1000'],
    [{ delaysMs: [5] }, 'expected no `retry.delaysMs` with the kind exponential (it is for list): set `retry.kind`'],
    [{ stepMs: 5 }, 'expected no `retry.stepMs` with the kind exponential (it is for linear)'],
    [{ kind: 'fixed', factor: 3 }, 'expected no `retry.factor` with the kind fixed (it is for exponential)'],
    [{ kind: 'list', delaysMs: [5], baseMs: 5 }, 'with the kind list (it is for exponential, linear, fixed): set'],
    [
      { maxRetries: 3 },
      'unknown option `retry.maxRetries`; known are attempts, kind, baseMs, factor, stepMs, delaysMs,',
    ],
    [[], 'expected `retry` to be an object, got []'],
  ])('refuses %j, naming the job, what was expected and what came', (policy, message) => {
    expect(() => resolve(policy)).toThrow(TypeError)
    expect(() => resolve(policy)).toThrow('job "a.b": ')
    expect(() => resolve(policy)).toThrow(message)
  })
})

describe('a rule for a class of errors', () => {
  it('may forbid or allow the retry', () => {
    const errors = [noon, { match: { kind: 'error', name: 'TypeError' }, retry: true }]
    expect(resolve({ errors }).errors).toEqual(errors)
  })

  it('has a backoff of its own, with the defaults', () => {
    const { attempts: _, ...defaults } = DEFAULT_RETRY_POLICY
    expect(ruled({ kind: 'fixed', baseMs: 30_000 })).toEqual({ ...defaults, kind: 'fixed', baseMs: 30_000 })
    expect(ruled({ kind: 'fixed', baseMs: 300_000 })).toMatchObject({ maxMs: 300_000 })
  })

  it('takes from the policy what it leaves out', () => {
    const policy = { kind: 'linear', baseMs: 5, stepMs: 6, maxMs: 7, jitter: 'none' } as const
    expect(ruled({}, policy)).toMatchObject(policy)
    expect(ruled({ baseMs: 1 }, policy)).toMatchObject({ ...policy, baseMs: 1 })
    expect(ruled({ kind: 'list', delaysMs: [4] }, policy)).toMatchObject({ maxMs: 7, jitter: 'none', delaysMs: [4] })
  })

  it('takes nothing that its kind has no use for', () => {
    expect(ruled({ kind: 'fixed' }, { factor: 3 })).toMatchObject({ factor: 2 })
    expect(ruled({ kind: 'fixed' }, { kind: 'linear', stepMs: 6 })).not.toHaveProperty('stepMs')
    expect(ruled({ kind: 'fixed' }, { kind: 'list', delaysMs: [6] })).not.toHaveProperty('delaysMs')
  })

  it.each<[unknown, string]>([
    ['busy', 'expected `retry.errors` to be a list of at most 100 rules, got "busy"'],
    [undefined, 'expected `retry.errors` to be a list of at most 100 rules, got undefined'],
    [
      Array.from({ length: 101 }, (_, i) => ({ match: { kind: `k${i}` }, retry: false })),
      'a list of at most 100 rules',
    ],
    [[null], 'expected `retry.errors[0]` to be an object, got null'],
    [[{ retry: false }], '`retry.errors[0].match` to be an object with the kind or name of errors, got undefined'],
    [[{ match: {} }], 'expected `retry.errors[0].retry` to be true, false or a backoff, got undefined'],
    [[{ match: {}, retry: 'no' }], 'expected `retry.errors[0].retry` to be true, false or a backoff, got "no"'],
    [[{ match: {}, retry: true, attempts: 2 }], 'unknown option `retry.errors[0].attempts`; known are match, retry'],
    [[{ match: { code: 'E' }, retry: true }], 'unknown option `retry.errors[0].match.code`; known are kind, name'],
    [[{ match: { kind: undefined }, retry: true }], 'expected `retry.errors[0].match.kind` to be a word'],
    [[{ match: { kind: 'Rate limit' }, retry: true }], 'expected `retry.errors[0].match.kind` to be a word like'],
    [[{ match: { name: '' }, retry: true }], 'expected `retry.errors[0].match.name` to be the name of an error'],
    [[noon, { match: {}, retry: { attempts: 2 } }], 'unknown option `retry.errors[1].retry.attempts`; known are kind'],
    [[noon, { match: {}, retry: { baseMs: -1 } }], 'expected `retry.errors[1].retry.baseMs` to be an integer'],
    [[{ match: {}, retry: { kind: 'list' } }], 'expected `retry.errors[0].retry.delaysMs` with the kind list'],
    [[{ match: {}, retry: { baseMs: 60_001 } }], '`retry.errors[0].retry.maxMs` to be at least'],
    [[{ match: {}, retry: { stepMs: 1 } }], 'expected no `retry.errors[0].retry.stepMs` with the kind exponential'],
  ])('is refused if it is wrong: %j', (errors, message) => {
    expect(() => resolve({ errors })).toThrow(TypeError)
    expect(() => resolve({ errors })).toThrow(message)
  })

  it.each([
    [{ kind: 'busy' }, { kind: 'busy' }],
    [{ kind: 'busy' }, { kind: 'busy', name: 'JobError' }],
    [{ name: 'JobError' }, { name: 'JobError', kind: 'busy' }],
    [{}, { kind: 'busy' }],
    [{}, {}],
  ])('is refused if one before it takes all of its errors: %j before %j', (before, match) => {
    const errors = [noon, { match: before, retry: true }, { match, retry: false }]
    expect(() => resolve({ errors })).toThrow('`retry.errors[2]` never applies: `retry.errors[1]` matches all')
  })

  it.each([
    [{ kind: 'busy', name: 'JobError' }, { kind: 'busy' }],
    [{ kind: 'busy' }, { name: 'JobError' }],
    [{ kind: 'busy' }, { kind: 'lazy' }],
    [{ kind: 'busy' }, {}],
  ])('may come after one that leaves it some errors: %j before %j', (before, match) => {
    const errors = [
      { match: before, retry: true },
      { match, retry: false },
    ]
    expect(resolve({ errors }).errors).toEqual(errors)
  })
})
