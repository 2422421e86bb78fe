import { FoliotError } from '@foliot/jobs'
import { DAY_MS, dateOfDay, dayOfDate, daysInMonth, weekdayOf } from './civil.ts'
import { LAST_YEAR } from './cron-fields.ts'
import { type Zone, zoneOf } from './zone.ts'

/** A named set of times that schedules keep away from: holidays, weekends, maintenance. Many schedules share one. */
export interface CalendarDefinition {
  readonly name: string
  /** The IANA zone that its dates and windows are in. Default `UTC`. */
  readonly timezone?: string
  /** Whole days: `2027-12-25`, or `12-25` for that day of every year. */
  readonly dates?: readonly string[]
  readonly windows?: readonly WeeklyWindow[]
}

export const WINDOW_DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const

/** A part of the day, in some days of every week. */
export interface WeeklyWindow {
  readonly days: readonly (typeof WINDOW_DAYS)[number][]
  /** `HH:MM`. Default `00:00`. */
  readonly from?: string
  /** `HH:MM`, the first minute that no longer belongs to it; at or before `from` it is of the next day. Default `24:00`. */
  readonly to?: string
}

/** A part of a day, in milliseconds since its midnight. */
interface Span {
  readonly from: number
  readonly to: number
}

const WHOLE_DAY: readonly Span[] = [{ from: 0, to: DAY_MS }]
const LATEST = dayOfDate(LAST_YEAR + 1, 1, 1) * DAY_MS

/** A calendar that can be asked. Instants are milliseconds since 1970; the set is of what the clocks of its zone show. */
export class Calendar {
  readonly name: string
  readonly #zone: Zone
  /** Counted from 1970-01-01. */
  readonly #days: ReadonlySet<number>
  /** month * 32 + day */
  readonly #yearlyDays: ReadonlySet<number>
  /** By weekday; within a day ascending, and apart from each other. */
  readonly #windows: readonly (readonly Span[])[]

  /** @throws FoliotError validation_failed if a date or a window is wrong, or if all times belong to it. */
  constructor(definition: CalendarDefinition) {
    const { name, timezone = 'UTC', dates = [], windows = [] } = definition
    this.name = name
    this.#zone = zoneOf(timezone)
    const read = dates.map((date) => readDate(name, date))
    this.#days = new Set(read.filter((day) => day.yearly === undefined).map(({ day }) => day))
    this.#yearlyDays = new Set(read.flatMap(({ yearly }) => (yearly === undefined ? [] : [yearly])))
    this.#windows = weekOf(name, windows)
    if (this.#windows.every((spans) => spans[0]?.from === 0 && spans[0].to === DAY_MS))
      throw refused(name, '/windows', 'expected windows that leave some time of the week free, got all of it')
  }

  has(ms: number): boolean {
    const local = this.#zone.localTime(ms)
    const day = Math.floor(local / DAY_MS)
    return this.#spanAt(day, local - day * DAY_MS) !== undefined
  }

  /** The first instant after `ms` that is free; undefined if `ms` is, Infinity if there is none up to the last year. */
  endOf(ms: number): number | undefined {
    let at = ms
    while (at < LATEST) {
      const { end, offset } = this.#zone.stretchAt(at)
      const until = this.#localEnd(at + offset, end + offset)
      if (until === undefined) return at === ms ? undefined : at
      if (until - offset < end) return until - offset
      at = end
    }
    return Number.POSITIVE_INFINITY
  }

  /** The first of the instants without a gap up to `ms` that belong to it; undefined if `ms` is free. */
  startOf(ms: number): number | undefined {
    if (!this.has(ms)) return undefined
    let at = ms
    for (;;) {
      const { start, offset } = this.#zone.stretchAt(at)
      const since = this.#localStart(at + offset, start + offset) - offset
      if (since > start || start <= 0) return since
      if (!this.has(start - 1)) return start
      at = start - 1
    }
  }

  #spansOf(day: number): readonly Span[] {
    const date = dateOfDay(day)
    if (this.#days.has(day) || this.#yearlyDays.has(date.month * 32 + date.day)) return WHOLE_DAY
    return this.#windows[weekdayOf(day)] ?? []
  }

  #spanAt(day: number, time: number): Span | undefined {
    return this.#spansOf(day).find(({ from, to }) => from <= time && time < to)
  }

  /** Looks no further than `limit`. */
  #localEnd(local: number, limit: number): number | undefined {
    let day = Math.floor(local / DAY_MS)
    let end = this.#spanAt(day, local - day * DAY_MS)?.to
    if (end === undefined) return undefined
    while (end === DAY_MS) {
      day += 1
      if (day * DAY_MS >= limit) break
      end = this.#spanAt(day, 0)?.to ?? 0
    }
    return day * DAY_MS + (end === DAY_MS ? 0 : end)
  }

  /** Looks no further than `limit`. */
  #localStart(local: number, limit: number): number {
    let day = Math.floor(local / DAY_MS)
    let start = this.#spanAt(day, local - day * DAY_MS)?.from ?? 0
    while (start === 0 && day * DAY_MS > limit) {
      const before = this.#spanAt(day - 1, DAY_MS - 1)
      if (!before) break
      day -= 1
      start = before.from
    }
    return day * DAY_MS + start
  }
}

function refused(name: string, path: string, problem: string): FoliotError {
  const message = `calendar "${name}": ${problem}`
  return new FoliotError('validation_failed', message, { errors: [{ path, message }] })
}

/** The day of a date without a year is not used. */
function readDate(calendar: string, text: string): { day: number; yearly: number | undefined } {
  const match = /^(?:(\d{4})-)?(\d{2})-(\d{2})$/.exec(text)
  const [year, month, day] = [match?.[1], Number(match?.[2]), Number(match?.[3])]
  // A leap year: 02-29 is a day of every year that has one.
  const length = month >= 1 && month <= 12 ? daysInMonth(Number(year ?? 2000), month) : 0
  if (!(day >= 1 && day <= length))
    throw refused(
      calendar,
      '/dates',
      `expected dates like 2027-12-25, or 12-25 for every year, got ${JSON.stringify(text)}`,
    )
  return { day: dayOfDate(Number(year ?? 2000), month, day), yearly: year === undefined ? month * 32 + day : undefined }
}

function weekOf(calendar: string, windows: readonly WeeklyWindow[]): Span[][] {
  const week: Span[][] = WINDOW_DAYS.map(() => [])
  for (const { days, from = '00:00', to = '24:00' } of windows) {
    const [start, end] = [readTime(calendar, from), readTime(calendar, to)]
    if (days.length === 0 || start === DAY_MS)
      throw refused(calendar, '/windows', 'expected windows with at least one day, that begin before 24:00')
    for (const day of days) {
      const weekday = WINDOW_DAYS.indexOf(day)
      if (weekday === -1)
        throw refused(calendar, '/windows', `expected days of ${WINDOW_DAYS.join(', ')}, got ${JSON.stringify(day)}`)
      if (start < end) week[weekday]?.push({ from: start, to: end })
      else week[weekday]?.push({ from: start, to: DAY_MS })
      if (end <= start && end > 0) week[(weekday + 1) % 7]?.push({ from: 0, to: end })
    }
  }
  return week.map(joined)
}

function readTime(calendar: string, text: string): number {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$|^24:00$/.exec(text)
  if (!match) throw refused(calendar, '/windows', `expected times like 08:30 or 24:00, got ${JSON.stringify(text)}`)
  return match[1] === undefined ? DAY_MS : Number(match[1]) * 3_600_000 + Number(match[2]) * 60_000
}

/** Spans that overlap or touch become one. */
function joined(spans: Span[]): Span[] {
  const result: Span[] = []
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const last = result.at(-1)
    if (last && span.from <= last.to) result[result.length - 1] = { from: last.from, to: Math.max(last.to, span.to) }
    else result.push(span)
  }
  return result
}
