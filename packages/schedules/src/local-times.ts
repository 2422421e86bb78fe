import { nextBit, nextOfSixty } from './bits.ts'
import { DAY_MS, dateOfDay, dayOfDate } from './civil.ts'
import { type CronFields, FIRST_YEAR, LAST_YEAR } from './cron-fields.ts'
import { daysOfMonth } from './days-of-month.ts'

/**
 * The first local time from `fromMs` on, a whole second, that the expression allows; undefined if there is none up to the last year. Local
 * times are written as the milliseconds since 1970 at which a clock in UTC would show the same. Zones and their gaps
 * are not looked at here.
 */
export function nextLocalTime(fields: CronFields, fromMs: number): number | undefined {
  const fromDay = Math.floor(fromMs / DAY_MS)
  const day = nextDay(fields, fromDay)
  if (day === undefined) return undefined
  const second = nextSecond(fields, day === fromDay ? (fromMs - fromDay * DAY_MS) / 1000 : 0)
  if (second !== -1) return day * DAY_MS + second * 1000
  const laterDay = nextDay(fields, day + 1)
  return laterDay === undefined ? undefined : laterDay * DAY_MS + nextSecond(fields, 0) * 1000
}

/** Whether any day of any year is allowed. */
export const hasDays = (fields: CronFields): boolean => nextDay(fields, dayOfDate(FIRST_YEAR, 1, 1)) !== undefined

/** The first allowed day from this one on, both counted from 1970-01-01. */
function nextDay(fields: CronFields, fromDay: number): number | undefined {
  let { year, month, day } = dateOfDay(fromDay)
  if (year < FIRST_YEAR) [year, month, day] = [FIRST_YEAR, 1, 1]
  for (;;) {
    const allowedYear = nextYear(fields, year)
    if (allowedYear === undefined) return undefined
    if (allowedYear !== year) [year, month, day] = [allowedYear, 1, 1]
    const allowedMonth = nextBit(fields.months, month)
    if (allowedMonth !== -1) {
      if (allowedMonth !== month) [month, day] = [allowedMonth, 1]
      const allowedDay = nextBit(daysOfMonth(fields, year, month), day)
      if (allowedDay !== -1) return dayOfDate(year, month, allowedDay)
      month += 1
      day = 1
    }
    if (allowedMonth === -1 || month > 12) [year, month, day] = [year + 1, 1, 1]
  }
}

function nextYear({ years }: CronFields, year: number): number | undefined {
  if (years === undefined) return year <= LAST_YEAR ? year : undefined
  return years.find((allowed) => allowed >= year)
}

/** The first allowed second of a day from this one on; -1 if there is none. */
function nextSecond({ hours, minutes, seconds }: CronFields, from: number): number {
  let hour = nextBit(hours, Math.floor(from / 3600))
  if (hour === -1) return -1
  let minute = 0
  let second = 0
  if (hour * 3600 <= from) {
    const fromMinute = Math.floor((from % 3600) / 60)
    minute = nextOfSixty(minutes, fromMinute)
    if (minute === fromMinute) {
      second = nextOfSixty(seconds, from % 60)
      if (second === -1) minute = nextOfSixty(minutes, fromMinute + 1)
      else return hour * 3600 + minute * 60 + second
    }
    if (minute !== -1) return hour * 3600 + minute * 60 + nextOfSixty(seconds, 0)
    hour = nextBit(hours, hour + 1)
    if (hour === -1) return -1
  }
  return hour * 3600 + nextOfSixty(minutes, 0) * 60 + nextOfSixty(seconds, 0)
}
