import { describe, expect, it } from 'vitest'
import { LIMITS } from './limits.ts'
import { DEFAULT_RETRY_POLICY, type RetryPolicy, resolveRetryPolicy } from './retry-policy.ts'

describe('resolveRetryPolicy', () => {
  it('fills in the defaults, and freezes the result', () => {
    expect(resolveRetryPolicy('a.b')).toEqual(DEFAULT_RETRY_POLICY)
    const resolved = resolveRetryPolicy('a.b', { attempts: 5, jitter: 'none' })
    expect(resolved).toEqual({ ...DEFAULT_RETRY_POLICY, attempts: 5, jitter: 'none' })
    expect(Object.isFrozen(resolved)).toBe(true)
  })

  it.each<Partial<RetryPolicy>>([
    { attempts: 1 },
    { attempts: LIMITS.attempts },
    { kind: 'linear' },
    { kind: 'fixed', baseMs: 0, maxMs: 0 },
    { factor: 1 },
    { factor: 1.5, maxMs: 1e9 },
    { jitter: 'equal' },
  ])('accepts %j', (policy) => {
    expect(resolveRetryPolicy('a.b', policy)).toMatchObject(policy)
  })

  it.each<[object, string]>([
    [{ attempts: 0 }, '`retry.attempts` to be an integer from 1 to 1000, got 0'],
    [{ attempts: 1001 }, '`retry.attempts` to be an integer from 1 to 1000, got 1001'],
    [{ attempts: 1.5 }, '`retry.attempts` to be an integer'],
    [{ attempts: '3' }, '`retry.attempts` to be an integer'],
    [{ kind: 'quadratic' }, '`retry.kind` to be one of exponential, linear, fixed, got quadratic'],
    [{ jitter: 'some' }, '`retry.jitter` to be one of full, equal, none, got some'],
    [{ baseMs: -1 }, '`retry.baseMs` to be 0 or more, got -1'],
    [{ baseMs: Number.NaN }, '`retry.baseMs` to be 0 or more, got NaN'],
    [{ factor: 0.9 }, '`retry.factor` to be 1 or more, got 0.9'],
    [{ baseMs: 100, maxMs: 99 }, '`retry.maxMs` to be at least `retry.baseMs` (100), got 99'],
    [{ maxMs: undefined }, '`retry.maxMs` to be at least'],
    [{ maxRetries: 3 }, 'unknown retry option `maxRetries`; known are attempts, kind, baseMs, factor, maxMs, jitter'],
  ])('refuses %j, naming the job, what was expected and what came', (policy, message) => {
    expect(() => resolveRetryPolicy('a.b', policy)).toThrow(TypeError)
    expect(() => resolveRetryPolicy('a.b', policy)).toThrow('job "a.b": ')
    expect(() => resolveRetryPolicy('a.b', policy)).toThrow(message)
  })
})
