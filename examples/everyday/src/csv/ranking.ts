import { truncate } from '@foliot/jobs'
import { type Aggregate, mergeTotals, type Totals, valueOfGroup } from './totals.ts'

export interface Row {
  group: string
  value: number
  count: number
}

const ROWS_MAX = 50

/** A longer name is cut, so that the whole output stays below 64 KiB even if each byte has to be escaped. */
const NAME_MAX_BYTES = 128

/** The groups of the largest values, then by name. What is beyond 50 groups becomes one more row, `other`. */
export function rankGroups(groups: ReadonlyMap<string, Totals>, aggregate: Aggregate): Row[] {
  const ranked = [...groups].sort(
    ([nameA, a], [nameB, b]) => valueOfGroup(b, aggregate) - valueOfGroup(a, aggregate) || (nameA < nameB ? -1 : 1),
  )
  const top = ranked.slice(0, ROWS_MAX).map(([name, totals]) => rowOf(name, totals, aggregate))
  if (ranked.length <= ROWS_MAX) return top
  return [...top, rowOf('other', mergeTotals(ranked.slice(ROWS_MAX).map(([, totals]) => totals)), aggregate)]
}

const rowOf = (name: string, totals: Totals, aggregate: Aggregate): Row => ({
  group: truncate(name, NAME_MAX_BYTES),
  value: valueOfGroup(totals, aggregate),
  count: totals.count,
})
