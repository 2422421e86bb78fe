import { type Backoff, DEFAULT_RETRY_POLICY, LIMITS } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { backoffMs } from './backoff.ts'
import { dice } from './fixtures/dice.ts'

const never = () => {
  throw new Error('no jitter, no dice')
}
const plain: Backoff = { ...DEFAULT_RETRY_POLICY, jitter: 'none' }
const delays = (backoff: Backoff, count: number) =>
  Array.from({ length: count }, (_, i) => backoffMs(backoff, i + 1, never))

const FAILURES = [0, 1, 2, 3, 53, 64, 999, 1000, 1024, 1e6, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY]
const KINDS = ['exponential', 'linear', 'fixed', 'list'] as const

/** Every mix of odd values that a backoff may legally have, and of some that it may not. */
function backoffs(kinds: readonly Backoff['kind'][] = KINDS): Backoff[] {
  const all: Backoff[] = []
  for (const kind of kinds)
    for (const jitter of ['full', 'equal', 'none'] as const)
      for (const baseMs of [0, 1, 1000, LIMITS.runAheadMs, Number.MAX_VALUE])
        for (const factor of [1, 1.0001, 2, Number.MAX_VALUE, Number.POSITIVE_INFINITY])
          for (const stepMs of [0, 1000, Number.MAX_VALUE])
            for (const maxMs of [baseMs, baseMs + 60_000, LIMITS.runAheadMs, Number.POSITIVE_INFINITY])
              all.push({ kind, jitter, baseMs, factor, stepMs, delaysMs: [stepMs, baseMs, 7], maxMs })
  return all
}

describe('backoffMs', () => {
  it('doubles from one second up to the cap', () => {
    expect(delays(plain, 8)).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
  })

  it('grows by the base when linear, or by its step', () => {
    expect(delays({ ...plain, kind: 'linear', maxMs: 3500 }, 5)).toEqual([1000, 2000, 3000, 3500, 3500])
    expect(delays({ ...plain, kind: 'linear', stepMs: 250 }, 4)).toEqual([1000, 1250, 1500, 1750])
    expect(delays({ ...plain, kind: 'linear', baseMs: 0, stepMs: 250 }, 3)).toEqual([0, 250, 500])
  })

  it('stays the same when fixed', () => {
    expect(delays({ ...plain, kind: 'fixed' }, 3)).toEqual([1000, 1000, 1000])
    expect(delays({ ...plain, kind: 'fixed', maxMs: 600 }, 2)).toEqual([600, 600])
  })

  it('goes through a list, whose last delay repeats', () => {
    const list = { ...plain, kind: 'list', delaysMs: [30, 5, 90] } as const
    expect(delays(list, 5)).toEqual([30, 5, 90, 90, 90])
    expect(delays({ ...list, maxMs: 50 }, 4)).toEqual([30, 5, 50, 50])
    expect(delays({ ...list, delaysMs: [8] }, 3)).toEqual([8, 8, 8])
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
})

describe('for any backoff and any number of failures, the delay', () => {
  it('is a whole number from 0 to the cap', () => {
    const random = dice(1)
    const wrong = backoffs().flatMap((backoff) => {
      const capMs = Math.min(backoff.maxMs, LIMITS.runAheadMs)
      const delayed = FAILURES.map((failures) => ({ backoff, failures, delayMs: backoffMs(backoff, failures, random) }))
      return delayed.filter(({ delayMs }) => !(Number.isInteger(delayMs) && delayMs >= 0 && delayMs <= capMs))
    })
    expect(wrong).toEqual([])
  })

  it('never shrinks as failures add up, before jitter, unless it is of a list', () => {
    for (const backoff of backoffs(['exponential', 'linear', 'fixed'])) {
      const series = FAILURES.map((failures) => backoffMs({ ...backoff, jitter: 'none' }, failures, never))
      expect(series, JSON.stringify(backoff)).toEqual(series.toSorted((a, b) => a - b))
    }
  })

  it('is the same under a lower cap, or that cap', () => {
    const [lowMs, highMs] = [500, 50_000]
    const wrong = backoffs().flatMap((backoff) => {
      const under = (maxMs: number, failures: number) =>
        backoffMs({ ...backoff, maxMs, jitter: 'none' }, failures, never)
      return FAILURES.filter((n) => under(lowMs, n) !== Math.min(under(highMs, n), lowMs)).map((n) => ({ backoff, n }))
    })
    expect(wrong).toEqual([])
  })
})

describe('over many random draws', () => {
  const DRAWS = 4000
  const bases = [0, 1, 2, 3, 999, 4000, LIMITS.runAheadMs]
  const draws = (jitter: Backoff['jitter'], baseMs: number, seed = 2) => {
    const random = dice(seed)
    const backoff: Backoff = { ...plain, kind: 'fixed', baseMs, maxMs: LIMITS.runAheadMs, jitter }
    return Array.from({ length: DRAWS }, () => backoffMs(backoff, 1, random))
  }

  it.each(bases)('full jitter stays between 0 and %d', (baseMs) => {
    const drawn = draws('full', baseMs)
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...drawn)).toBeLessThanOrEqual(baseMs)
  })

  it.each(bases)('equal jitter stays between half of %d and all of it', (baseMs) => {
    const drawn = draws('equal', baseMs)
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(baseMs / 2)
    expect(Math.max(...drawn)).toBeLessThanOrEqual(baseMs)
  })

  it.each(bases)('no jitter is always %d', (baseMs) => {
    expect(new Set(draws('none', baseMs))).toEqual(new Set([baseMs]))
  })

  it.each([
    ['full', 0, 1000],
    ['equal', 2000, 500],
  ] as const)('%s jitter is spread evenly from %d of 4000 ms upwards', (jitter, from, width) => {
    const drawn = draws(jitter, 4000)
    const quarters = [0, 1, 2, 3].map((q) => from + q * width)
    for (const start of quarters) {
      const count = drawn.filter((ms) => ms >= start && ms < start + width).length
      // A quarter of 4000 is 1000, give or take 27 (one standard deviation); the dice are the same at every run.
      expect(count, `${start} ms and up`).toBeGreaterThan(900)
      expect(count, `${start} ms and up`).toBeLessThan(1100)
    }
  })
})
