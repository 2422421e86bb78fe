import { describe, expect, it } from 'vitest'
import { rankGroups } from './ranking.ts'
import { addNumber, emptyTotals } from './totals.ts'

function groupsOf(numbers: Record<string, number[]>) {
  return new Map(
    Object.entries(numbers).map(([name, values]) => {
      const totals = emptyTotals()
      for (const value of values) addNumber(totals, value)
      return [name, totals]
    }),
  )
}

/** Groups g01 to g60: the n-th has the numbers n and -n / 10. */
const sixty = groupsOf(
  Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [`g${String(i + 1).padStart(2, '0')}`, [i + 1, -(i + 1) / 10]]),
  ),
)

describe('rankGroups', () => {
  it('puts the largest value first, and equal ones in the order of their names', () => {
    const groups = groupsOf({ c: [1], b: [5], a: [1], d: [-3, -4], '': [1] })
    expect(rankGroups(groups, 'sum')).toEqual([
      { group: 'b', value: 5, count: 1 },
      { group: '', value: 1, count: 1 },
      { group: 'a', value: 1, count: 1 },
      { group: 'c', value: 1, count: 1 },
      { group: 'd', value: -7, count: 2 },
    ])
    expect(rankGroups(groups, 'count').map((row) => row.group)).toEqual(['d', '', 'a', 'b', 'c'])
  })

  it('has no row "other" for 50 groups', () => {
    const fifty = new Map([...sixty].slice(0, 50))
    expect(rankGroups(fifty, 'sum')).toHaveLength(50)
    expect(rankGroups(new Map(), 'sum')).toEqual([])
  })

  // The rest is g01 to g10: 20 numbers, 55 and -5.5 in sum.
  it.each([
    ['sum', 49.5],
    ['mean', 49.5 / 20],
    ['max', 10],
  ] as const)('says in the row "other" what the %s of all its rows is', (aggregate, value) => {
    const rows = rankGroups(sixty, aggregate)
    expect(rows).toHaveLength(51)
    expect(rows[0]?.group).toBe('g60')
    expect(rows[50]).toEqual({ group: 'other', value, count: 20 })
  })

  it('says in the row "other" what the min and the count of all its rows are', () => {
    // By its min the first is g01, so the rest is g51 to g60; by its count all are equal.
    expect(rankGroups(sixty, 'min')[50]).toEqual({ group: 'other', value: -6, count: 20 })
    expect(rankGroups(sixty, 'count')[50]).toEqual({ group: 'other', value: 20, count: 20 })
  })

  it('cuts a long name, and says so', () => {
    const [row] = rankGroups(groupsOf({ ['x'.repeat(500)]: [1] }), 'sum')
    expect(row?.group).toMatch(/^x+… \[cut from 500 bytes\]$/)
    expect(Buffer.byteLength(row?.group ?? '')).toBe(128)
  })
})
