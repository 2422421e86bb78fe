import { describe, expect, it } from 'vitest'
import { compare, type Pair } from './comparison.ts'

const pair = (ours: number, baseline: number): Pair<'perSecond'> => ({
  ours: { perSecond: ours },
  baseline: { perSecond: baseline },
})

describe('a comparison', () => {
  it('takes the median of the ratios of each round, not the ratio of the medians', () => {
    const rounds = [pair(10, 20), pair(90, 100), pair(100, 400)]
    expect(compare(rounds, 'perSecond')).toEqual({ ours: 90, baseline: 100, ratio: 0.5 })
  })

  it('is not moved by a round in which the machine was slow for both', () => {
    const rounds = [pair(80, 100), pair(8, 10), pair(82, 100)]
    expect(compare(rounds, 'perSecond').ratio).toBe(0.8)
  })
})
