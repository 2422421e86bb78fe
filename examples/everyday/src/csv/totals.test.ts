import { describe, expect, it } from 'vitest'
import { AGGREGATES } from '../jobs.ts'
import { addNumber, emptyTotals, mergeTotals, type Totals, valueOfGroup } from './totals.ts'

function totalsOf(...numbers: number[]): Totals {
  const totals = emptyTotals()
  for (const number of numbers) addNumber(totals, number)
  return totals
}

const valuesOf = (totals: Totals) => AGGREGATES.map((aggregate) => valueOfGroup(totals, aggregate))

describe('totals', () => {
  it('know count, sum, mean, min and max', () => {
    expect(valuesOf(totalsOf(4, -2, 10))).toEqual([3, 12, 4, -2, 10])
    expect(valuesOf(totalsOf(0))).toEqual([1, 0, 0, 0, 0])
  })

  it('add decimals without rounding errors', () => {
    const tenths = Array.from({ length: 10 }, () => 0.1)
    expect(valueOfGroup(totalsOf(...tenths), 'sum')).toBe(1)
    expect(valueOfGroup(totalsOf(1e100, 1, -1e100), 'sum')).toBe(1)
    expect(valueOfGroup(totalsOf(1, 1e100, -1e100), 'sum')).toBe(1)
  })

  it('merge to what all their rows together would give', () => {
    const parts = [totalsOf(1, 2), totalsOf(-7), totalsOf(3, 3, 3, 100)]
    expect(valuesOf(mergeTotals(parts))).toEqual(valuesOf(totalsOf(1, 2, -7, 3, 3, 3, 100)))
    const tenths = Array.from({ length: 10 }, () => totalsOf(0.1))
    expect(valueOfGroup(mergeTotals(tenths), 'sum')).toBe(1)
    expect(valueOfGroup(mergeTotals([totalsOf(1e100, 1), totalsOf(-1e100)]), 'sum')).toBe(1)
  })
})
