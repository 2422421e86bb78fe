import type { AGGREGATES } from '../jobs.ts'

/** What is kept of a group, however many rows it has. */
export interface Totals {
  count: number
  sum: number
  /** What rounding has taken from `sum` so far (Neumaier's summation): ten times 0.1 make 1. */
  lost: number
  min: number
  max: number
}

export type Aggregate = (typeof AGGREGATES)[number]

export const emptyTotals = (): Totals => ({
  count: 0,
  sum: 0,
  lost: 0,
  min: Number.POSITIVE_INFINITY,
  max: Number.NEGATIVE_INFINITY,
})

export function addNumber(totals: Totals, value: number): void {
  totals.count++
  addToSum(totals, value)
  totals.min = Math.min(totals.min, value)
  totals.max = Math.max(totals.max, value)
}

/** The totals of all rows of all these groups. */
export function mergeTotals(groups: Iterable<Totals>): Totals {
  const merged = emptyTotals()
  for (const group of groups) {
    merged.count += group.count
    addToSum(merged, group.sum)
    merged.lost += group.lost
    merged.min = Math.min(merged.min, group.min)
    merged.max = Math.max(merged.max, group.max)
  }
  return merged
}

/** The number that a group stands for. It has at least one row. */
export function valueOfGroup(totals: Totals, aggregate: Aggregate): number {
  const { count, min, max } = totals
  const sum = totals.sum + totals.lost
  return { count, sum, mean: sum / count, min, max }[aggregate]
}

function addToSum(totals: Totals, value: number): void {
  const sum = totals.sum + value
  totals.lost += Math.abs(totals.sum) >= Math.abs(value) ? totals.sum - sum + value : value - sum + totals.sum
  totals.sum = sum
}
