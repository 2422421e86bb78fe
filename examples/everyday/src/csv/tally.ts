import { UnrecoverableError } from '@foliot/jobs'
import { addNumber, emptyTotals, type Totals } from './totals.ts'

export interface TallyOptions {
  groupBy: string
  measure?: string | undefined
  /** How many groups there may be. Default 100 000. */
  groupsMax?: number
  /** How many UTF-16 units the names of all groups may have together. Default 16 Mi. */
  namesMax?: number
}

/** Counts rows into groups and forgets them: what it keeps grows with the groups alone. */
export interface Tally {
  readonly groups: ReadonlyMap<string, Totals>
  readonly read: number
  readonly skipped: number
  /** @throws UnrecoverableError of kind `too_many_groups`. */
  add(row: readonly string[]): void
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** @throws UnrecoverableError of kind `unknown_column` if the header has no such column, or has it twice. */
export function makeTally(header: readonly string[], options: TallyOptions): Tally {
  const { groupBy, measure, groupsMax = 100_000, namesMax = 16 * 1024 * 1024 } = options
  const groupIndex = indexOfColumn(header, groupBy)
  const measureIndex = measure === undefined ? undefined : indexOfColumn(header, measure)
  const groups = new Map<string, Totals>()
  let namesLength = 0
  let read = 0
  let skipped = 0

  function totalsOf(name: string): Totals {
    const known = groups.get(name)
    if (known) return known
    namesLength += name.length
    if (groups.size === groupsMax || namesLength > namesMax) throw tooManyGroups(groupBy, groupsMax, namesMax)
    const totals = emptyTotals()
    groups.set(name, totals)
    return totals
  }

  return {
    groups,
    get read() {
      return read
    },
    get skipped() {
      return skipped
    },
    add(row) {
      read++
      const value = measureIndex === undefined ? 0 : parseNumber(row[measureIndex] ?? '')
      // With a cell too many, some cell is in the wrong column. Cells that are missing at the end are empty.
      if (value === undefined || row.length > header.length) skipped++
      else addNumber(totalsOf(row[groupIndex] ?? ''), value)
    },
  }
}

function indexOfColumn(header: readonly string[], column: string): number {
  const index = header.indexOf(column)
  if (index !== -1 && header.lastIndexOf(column) === index) return index
  const problem = index === -1 ? 'expected a column of the table' : 'expected a column that the table has once'
  throw new UnrecoverableError(`${problem}, got ${JSON.stringify(column)}; it has ${header.map(quote).join(', ')}`, {
    kind: 'unknown_column',
  })
}

const quote = (name: string): string => JSON.stringify(name)

function parseNumber(cell: string): number | undefined {
  const text = cell.trim()
  const value = NUMBER.test(text) ? Number(text) : Number.NaN
  return Number.isFinite(value) ? value : undefined
}

const tooManyGroups = (groupBy: string, groupsMax: number, namesMax: number) =>
  new UnrecoverableError(
    `expected ${JSON.stringify(groupBy)} to have at most ${groupsMax} different values of ${namesMax} characters ` +
      'together, got more; group by a column with fewer',
    { kind: 'too_many_groups' },
  )
