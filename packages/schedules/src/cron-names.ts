/** One field of a cron expression: its name, and the numbers it takes. */
export interface FieldKind {
  readonly name: 'seconds' | 'minutes' | 'hours' | 'day of the month' | 'month' | 'weekday' | 'year'
  readonly min: number
  readonly max: number
  /** Words that stand for numbers, the first for `firstWord`. */
  readonly words: readonly string[]
  readonly firstWord: number
  /** How long one step is, for the fields of a clock. */
  readonly unitMs?: number
}

const none = { words: [], firstWord: 0 } as const

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

/** All seven, in order. An expression of five lacks the first and the last, one of six the last. */
const FIELD_KINDS: readonly FieldKind[] = [
  { name: 'seconds', min: 0, max: 59, ...none, unitMs: 1000 },
  { name: 'minutes', min: 0, max: 59, ...none, unitMs: 60_000 },
  { name: 'hours', min: 0, max: 23, ...none, unitMs: 3_600_000 },
  { name: 'day of the month', min: 1, max: 31, ...none },
  { name: 'month', min: 1, max: 12, words: MONTHS, firstWord: 1 },
  { name: 'weekday', min: 0, max: 7, words: WEEKDAYS, firstWord: 0 },
  { name: 'year', min: 1970, max: 2199, ...none },
]

/** What stands for a whole expression. */
export const NICKNAMES: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * SUN',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

export interface FieldText {
  readonly kind: FieldKind
  readonly text: string
  /** Where it begins in the expression; 0 is the first character. */
  readonly at: number
}

/** The fields of an expression with their places; undefined if there are not five to seven. */
export function fieldsOf(expression: string): FieldText[] | undefined {
  const found = [...expression.matchAll(/\S+/g)]
  if (found.length < 5 || found.length > 7) return undefined
  const skipped = found.length === 5 ? 1 : 0
  return found.map((match, i) => ({ kind: FIELD_KINDS[i + skipped] as FieldKind, text: match[0], at: match.index }))
}
