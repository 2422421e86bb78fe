import { describe, expect, it } from 'vitest'
import { Pace } from './pace.ts'

/** Takes as much as it may for so many seconds, each step being late by some ms. Gives how many were taken when. */
function take(perSecond: number | undefined, seconds: number, lateMs = 0): { at: number; count: number }[] {
  let now = 0
  const pace = new Pace(perSecond, 500, () => now)
  const taken: { at: number; count: number }[] = []
  while (now < seconds * 1000) {
    const waitMs = pace.waitMs()
    if (waitMs > 0) now += waitMs + lateMs
    else {
      taken.push({ at: now, count: pace.chunk })
      pace.took(pace.chunk)
    }
  }
  return taken
}

const sum = (taken: readonly { count: number }[]): number => taken.reduce((all, { count }) => all + count, 0)

describe('Pace', () => {
  it.each([1, 2, 7, 10, 99, 100, 1000, 5000, 20_000])('takes %d a second', (rate) => {
    const taken = take(rate, 60)
    expect(sum(taken)).toBeGreaterThanOrEqual(60 * rate)
    expect(sum(taken)).toBeLessThanOrEqual(60 * rate + (taken[0]?.count as number))
  })

  it.each([1, 20, 500])('never takes much more than %d in any second', (rate) => {
    const taken = take(rate, 30, 3)
    for (const { at } of taken) {
      const within = taken.filter((step) => step.at >= at && step.at < at + 1000)
      expect(sum(within)).toBeLessThanOrEqual(1.3 * rate + 1)
    }
  })

  it('is not slower for steps that come a little late', () => {
    expect(sum(take(1000, 60, 20))).toBeGreaterThan(0.98 * 60_000)
  })

  it('does not make up for a long wait', () => {
    let now = 0
    const pace = new Pace(100, 500, () => now)
    pace.took(pace.chunk)
    now = 60_000
    let steps = 0
    for (; pace.waitMs() === 0; steps++) pace.took(pace.chunk)
    expect(steps).toBeLessThanOrEqual(2)
  })

  it('takes whole steps without a wait if there is no limit', () => {
    const pace = new Pace(undefined, 500)
    for (let i = 0; i < 10; i++) pace.took(500)
    expect([pace.chunk, pace.waitMs()]).toEqual([500, 0])
  })
})
