import { describe, expect, it } from 'vitest'
import { growthOverLastHalf } from './memory-watch.ts'

const samples = (at: (i: number) => number): number[] => Array.from({ length: 100 }, (_, i) => at(i))

describe('growth over the last half', () => {
  it('is none for a process that grew early and then stayed as it was', () => {
    expect(growthOverLastHalf(samples((i) => Math.min(i, 40)))).toBe(0)
  })

  it('shows most of what a leak took in that time', () => {
    expect(growthOverLastHalf(samples((i) => i))).toBe(40)
  })

  it('is not moved by a single peak, wherever it is', () => {
    for (const peak of [50, 75, 99]) expect(growthOverLastHalf(samples((i) => (i === peak ? 500 : 100)))).toBe(0)
  })

  it('is defined for a run that was over at once', () => {
    expect(growthOverLastHalf([100])).toBe(0)
    expect(growthOverLastHalf([100, 103])).toBe(0)
  })
})
