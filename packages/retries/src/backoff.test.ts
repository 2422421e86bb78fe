import { DEFAULT_RETRY_POLICY, LIMITS, type RetryPolicy } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { backoffMs } from './backoff.ts'

const never = () => {
  throw new Error('no jitter, no dice')
}
const plain: RetryPolicy = { ...DEFAULT_RETRY_POLICY, jitter: 'none' }
const delays = (policy: RetryPolicy, count: number) =>
  Array.from({ length: count }, (_, i) => backoffMs(policy, i + 1, never))

/** Numbers that look random and are the same at every run (mulberry32). */
function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const EXTREMES = [0, 1, 2, 53, 64, 1000, 1024, 1e6, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE, Number.POSITIVE_INFINITY]

/** Every mix of odd values that a policy may legally have. */
function* policies(): Generator<RetryPolicy> {
  for (const kind of ['exponential', 'linear', 'fixed'] as const)
    for (const jitter of ['full', 'equal', 'none'] as const)
      for (const baseMs of [0, 0.1, 1, 1000, 1e300])
        for (const factor of [1, 1.0001, 2, 1e300, Number.POSITIVE_INFINITY])
          for (const maxMs of [baseMs, baseMs + 60_000, Number.POSITIVE_INFINITY])
            yield { attempts: 3, kind, jitter, baseMs, factor, maxMs }
}

describe('backoffMs', () => {
  it('doubles from one second up to the cap', () => {
    expect(delays(plain, 8)).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
  })

  it('grows by the base when linear and stays when fixed', () => {
    expect(delays({ ...plain, kind: 'linear', maxMs: 3500 }, 5)).toEqual([1000, 2000, 3000, 3500, 3500])
    expect(delays({ ...plain, kind: 'fixed' }, 3)).toEqual([1000, 1000, 1000])
  })

  it.each([
    ['full', 0, 0],
    ['full', 0.5, 2000],
    ['full', 0.999999, 4000],
    ['equal', 0, 2000],
    ['equal', 0.5, 3000],
    ['equal', 0.999999, 4000],
  ] as const)('with %s jitter and a roll of %d waits %d of 4000 ms', (jitter, roll, expected) => {
    expect(backoffMs({ ...plain, jitter }, 3, () => roll)).toBe(expected)
  })

  it('gives a whole number between 0 and the cap for any policy and any number of failures', () => {
    const random = dice(1)
    for (const policy of policies()) {
      for (const failures of EXTREMES) {
        const delay = backoffMs(policy, failures, random)
        const cap = Math.min(Math.round(policy.maxMs), LIMITS.runAheadMs)
        const fits = Number.isInteger(delay) && delay >= 0 && delay <= cap
        expect(fits, `${delay} ms after ${failures} failures of ${JSON.stringify(policy)}`).toBe(true)
      }
    }
  })

  it('never shrinks as failures add up, before jitter', () => {
    for (const policy of policies()) {
      const series = EXTREMES.map((failures) => backoffMs({ ...policy, jitter: 'none' }, failures, never))
      expect(series).toEqual(series.toSorted((a, b) => a - b))
    }
  })

  it('spreads full jitter over the whole delay', () => {
    const random = dice(2)
    const rolls = Array.from({ length: 4000 }, () => backoffMs({ ...plain, jitter: 'full' }, 3, random))
    const quarters = [0, 1, 2, 3].map((q) => rolls.filter((ms) => Math.min(3, Math.floor(ms / 1000)) === q).length)
    for (const count of quarters) expect(count).toBeGreaterThan(850)
  })
})
