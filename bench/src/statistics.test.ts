import { describe, expect, it } from 'vitest'
import { median, percentile } from './statistics.ts'

describe('the median', () => {
  it('is the middle one of an odd number, whatever their order', () => {
    expect(median([9, 1, 10])).toBe(9)
  })

  it('is the mean of the two in the middle of an even number', () => {
    expect(median([100, 2, 4, 1])).toBe(3)
  })

  it('does not reorder what it is given', () => {
    const values = [3, 1, 2]
    median(values)
    expect(values).toEqual([3, 1, 2])
  })

  it('of nothing is refused', () => {
    expect(() => median([])).toThrow('at least one value')
  })
})

describe('a percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)

  it('is the smallest value that so many in a hundred do not exceed', () => {
    expect([50, 95, 99, 100].map((percent) => percentile(hundred, percent))).toEqual([50, 95, 99, 100])
  })

  it('is always a value that was measured', () => {
    expect(percentile([1, 2, 1000], 99)).toBe(1000)
    expect(percentile([7], 50)).toBe(7)
  })

  it('orders numbers as numbers', () => {
    expect(percentile([9, 10, 100], 50)).toBe(10)
  })
})
