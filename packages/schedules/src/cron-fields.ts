import { CronPattern } from 'croner'
import { bit, type Sixty, sixtyOf } from './bits.ts'
import { checkCron, refuseCron } from './check-cron.ts'

/** What a cron expression allows, field by field. Hours, days and months are sets of bits; days and months from 1. */
export interface CronFields {
  readonly expression: string
  readonly seconds: Sixty
  readonly minutes: Sixty
  readonly hours: number
  readonly months: number
  /** Days of the month that are named by number. */
  readonly days: number
  /** `L`: the last day of the month. */
  readonly lastDay: boolean
  /** `LW`: the last day of the month from Monday to Friday. */
  readonly lastWeekday: boolean
  /** `15W`: these days, or the nearest from Monday to Friday in the same month. */
  readonly nearestWeekdays: number
  /** Weekdays that count in every week, 0 is Sunday. */
  readonly weekdays: number
  /** `FRI#2` and `FRI#L`: weekdays that count in some weeks of a month. */
  readonly nthWeekdays: readonly NthWeekday[]
  /** How the day of the month and the weekday meet: `or` if both are given, `and` for `+FRI`, or if one is `*`. */
  readonly meet: 'and' | 'or'
  /** Ascending; undefined is every year. */
  readonly years: readonly number[] | undefined
}

export interface NthWeekday {
  readonly weekday: number
  /** Bit 0 to 4: the first to the fifth of the month. Bit 5: the last. */
  readonly nth: number
}

export const LAST_WEEK_BIT = 5

/** Every hour is allowed: such a rule goes by elapsed time, see `docs/schedules.md`. */
export const EVERY_HOUR = bit(24) - 1

/** No rule is due before or after. The dates repeat every 400 years, and the last that matters is 2196-02-29, a Monday. */
export const FIRST_YEAR = 1970
export const LAST_YEAR = 2199

/**
 * Croner parses; what it found is kept in a form that is small, and quick to search. Parsing takes about 30 µs and many
 * schedules have the same few expressions, so the last ones are remembered.
 *
 * @throws FoliotError validation_failed, with the position and the likely meaning.
 */
export function parseCron(expression: string): CronFields {
  const known = PARSED.get(expression)
  if (known) return known
  const fields = toFields(expression, parse(checkCron(expression), expression))
  if (PARSED.size >= PARSED_MAX) PARSED.clear()
  PARSED.set(expression, fields)
  return fields
}

const PARSED = new Map<string, CronFields>()
const PARSED_MAX = 4096

function parse(expanded: string, expression: string): CronPattern {
  try {
    return new CronPattern(expanded)
  } catch (error) {
    // What checkCron lets through and croner does not; its message names the field.
    return refuseCron(expression, undefined, error instanceof Error ? error.message : String(error), { cause: error })
  }
}

const EVERY_WEEK = 0b01_1111

function toFields(expression: string, pattern: CronPattern): CronFields {
  const flags = pattern.dayOfWeek.slice(0, 7)
  const named = flags.map((nth, weekday) => ({ weekday, nth }))
  return Object.freeze({
    expression,
    seconds: sixtyOf((n) => pattern.second[n] === 1),
    minutes: sixtyOf((n) => pattern.minute[n] === 1),
    hours: setOf(pattern.hour, 0),
    months: setOf(pattern.month, 1),
    days: setOf(pattern.day, 1),
    lastDay: pattern.lastDayOfMonth,
    lastWeekday: pattern.lastWeekday,
    nearestWeekdays: setOf(pattern.nearestWeekdays, 1),
    weekdays: setOf(
      flags.map((nth) => Number((nth & EVERY_WEEK) === EVERY_WEEK)),
      0,
    ),
    nthWeekdays: named.filter(({ nth }) => nth !== 0 && (nth & EVERY_WEEK) !== EVERY_WEEK),
    meet: pattern.useAndLogic || pattern.starDOM || pattern.starDOW ? 'and' : 'or',
    years: pattern.starYear ? undefined : pattern.year.flatMap((allowed, year) => (allowed ? [year] : [])),
  })
}

const setOf = (allowed: readonly number[], firstBit: number): number =>
  allowed.reduce((set, is, index) => (is ? set | bit(index + firstBit) : set), 0)
