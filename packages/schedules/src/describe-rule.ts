import { bit, membersOf, nextBit, nextOfSixty } from './bits.ts'
import { DAY_MS } from './civil.ts'
import { type CronFields, EVERY_HOUR, LAST_WEEK_BIT } from './cron-fields.ts'
import { localText } from './local-text.ts'
import type { CompiledRule } from './rule.ts'

/**
 * A rule in plain English: `every 15 minutes`, `at 02:30 on weekdays, Europe/Berlin`. A cron expression of a rare shape is
 * given as it is.
 */
export function describeRule(rule: CompiledRule): string {
  const { calendars, jitterMs } = rule
  const excluded = calendars.filter(({ mode }) => mode === 'exclude').map(({ calendar }) => calendar.name)
  const shifted = calendars.filter(({ mode }) => mode === 'shift').map(({ calendar }) => calendar.name)
  return [
    describeTiming(rule),
    ...(jitterMs > 0 ? [`up to ${amount(jitterMs)} later`] : []),
    ...(excluded.length > 0 ? [`but not in ${list(excluded)}`] : []),
    ...(shifted.length > 0 ? [`moved to the end of ${list(shifted, 'or')}`] : []),
  ].join(', ')
}

function describeTiming({ timing, zone }: CompiledRule): string {
  if (timing.kind === 'at') return `once, on ${localText(zone.localTime(timing.at))}, ${zone.name}`
  if (timing.kind === 'every') return `every ${amount(timing.everyMs).replace(/^1 (\w+)$/, '$1')}`
  const { fields } = timing
  const [times, days] = [describeTimes(fields), describeDays(fields)]
  if (times === undefined || days === undefined) return `by the cron expression "${fields.expression}", ${zone.name}`
  // What runs in every hour of every day is the same in all zones but the few that are not whole quarters from UTC.
  if (days === '') return fields.hours === EVERY_HOUR ? times : `${times}${everyDay(times)}, ${zone.name}`
  return `${times} ${days}, ${zone.name}`
}

const everyDay = (times: string): string => (times.startsWith('at ') ? ' every day' : '')

const UNITS = [
  { name: 'day', ms: DAY_MS },
  { name: 'hour', ms: 3_600_000 },
  { name: 'minute', ms: 60_000 },
  { name: 'second', ms: 1000 },
] as const

/** Exactly: `90 seconds`, `1 hour`, `1500 ms`. */
function amount(ms: number): string {
  const unit = UNITS.find((candidate) => ms % candidate.ms === 0)
  if (!unit) return `${ms} ms`
  const count = ms / unit.ms
  return `${count} ${unit.name}${count === 1 ? '' : 's'}`
}

const list = (words: readonly string[], and = 'and'): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${and} ${words.at(-1)}`

/** So many times of a day are listed one by one. */
const LISTED_MAX = 6

function describeTimes(fields: CronFields): string | undefined {
  const seconds = membersOf((from) => nextOfSixty(fields.seconds, from))
  const minutes = membersOf((from) => nextOfSixty(fields.minutes, from))
  const hours = membersOf((from) => nextBit(fields.hours, from))
  const everyHour = hours.length === 24
  const [second = 0] = seconds
  if (minutes.length === 60 && everyHour && (seconds.length > 1 || second === 0))
    return seconds.length === 1 ? 'every minute' : describeStep(seconds, 'second')
  if (seconds.length !== 1) return undefined
  if (hours.length * minutes.length <= LISTED_MAX)
    return `at ${list(hours.flatMap((hour) => minutes.map((minute) => clock(hour, minute, second))))}`
  if (second !== 0) return undefined
  return everyHour ? describeMinutes(minutes) : describeHours(hours, minutes)
}

function describeMinutes(minutes: readonly number[]): string | undefined {
  if (minutes.length > 1)
    return describeStep(minutes, 'minute') ?? `at minutes ${list(minutes.map(String))} of every hour`
  return minutes[0] === 0 ? 'every hour' : `at minute ${minutes[0]} of every hour`
}

function describeHours(hours: readonly number[], minutes: readonly number[]): string | undefined {
  const [first = 0, last = 0] = [hours[0], hours.at(-1)]
  if (hours.length !== last - first + 1) {
    const step = stepOf(hours, 24)
    return minutes.length === 1 && minutes[0] === 0 && step ? `every ${step} hours` : undefined
  }
  const step = minutes.length === 1 ? (minutes[0] === 0 ? 'every hour' : undefined) : describeStep(minutes, 'minute')
  return step && `${step} from ${clock(first, 0, 0)} to ${clock(last, minutes.at(-1) ?? 0, 0)}`
}

function describeStep(values: readonly number[], unit: string): string | undefined {
  const step = stepOf(values, 60)
  return step === undefined ? undefined : step === 1 ? `every ${unit}` : `every ${step} ${unit}s`
}

/** The step of values that go evenly through the whole, from 0. */
function stepOf(values: readonly number[], whole: number): number | undefined {
  const step = whole / values.length
  return Number.isInteger(step) && values.every((value, i) => value === i * step) ? step : undefined
}

const two = (n: number): string => String(n).padStart(2, '0')
const clock = (hour: number, minute: number, second: number): string =>
  `${two(hour)}:${two(minute)}${second === 0 ? '' : `:${two(second)}`}`

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
]
const NTH = ['first', 'second', 'third', 'fourth', 'fifth', 'last']
const EVERY_WEEKDAY = bit(7) - 1
const EVERY_DATE = ~1

/** '' is every day. */
function describeDays(fields: CronFields): string | undefined {
  const months = membersOf((from) => nextBit(fields.months, from)).map((month) => MONTHS[month - 1] as string)
  const everyMonth = months.length === 12
  const everyDate = fields.days === EVERY_DATE
  const dates = everyDate ? [] : describeDates(fields)
  const weekdays = describeWeekdays(fields)
  if (!everyDate && weekdays.length > 0) return undefined
  const years = fields.years ? [`in ${list(fields.years.map(String))}`] : []
  if (dates.length > 0) return [`on ${list(dates)} of ${everyMonth ? 'every month' : list(months)}`, ...years].join(' ')
  const perMonth = fields.nthWeekdays.length > 0
  const inMonths = everyMonth ? (perMonth ? ['of every month'] : []) : [`${perMonth ? 'of' : 'in'} ${list(months)}`]
  return [...weekdays, ...inMonths, ...years].join(' ')
}

function describeDates(fields: CronFields): string[] {
  const days = membersOf((from) => nextBit(fields.days, from))
  const nearest = membersOf((from) => nextBit(fields.nearestWeekdays, from))
  return [
    ...(days.length > 0 ? [`day${days.length === 1 ? '' : 's'} ${list(days.map(String))}`] : []),
    ...nearest.map((day) => `the weekday nearest to day ${day}`),
    ...(fields.lastDay ? ['the last day'] : []),
    ...(fields.lastWeekday ? ['the last weekday'] : []),
  ]
}

function describeWeekdays({ weekdays, nthWeekdays }: CronFields): string[] {
  if (weekdays === EVERY_WEEKDAY) return []
  if (weekdays === 0b011_1110 && nthWeekdays.length === 0) return ['on weekdays']
  if (weekdays === 0b100_0001 && nthWeekdays.length === 0) return ['on weekends']
  const names = membersOf((from) => nextBit(weekdays, from)).map((weekday) => WEEKDAYS[weekday] as string)
  const nth = nthWeekdays.flatMap(({ weekday, nth: set }) =>
    membersOf((from) => nextBit(set, from))
      .filter((week) => week <= LAST_WEEK_BIT)
      .map((week) => `the ${NTH[week]} ${WEEKDAYS[weekday]}`),
  )
  // "on Monday and the first Friday of every month" would be read as one of each month.
  return [`on ${list([...names.map((name) => (nth.length > 0 ? `every ${name}` : name)), ...nth])}`]
}
