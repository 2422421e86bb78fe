import { bit } from './bits.ts'
import { dayOfDate, daysInMonth, weekdayOf } from './civil.ts'
import { type CronFields, LAST_WEEK_BIT } from './cron-fields.ts'

/** The days of one month that the expression allows, as bits from 1. The month itself and the year are not asked. */
export function daysOfMonth(fields: CronFields, year: number, month: number): number {
  const length = daysInMonth(year, month)
  const first = weekdayOf(dayOfDate(year, month, 1))
  const dates = datesOf(fields, length, first)
  const weekdays = weekdaysOf(fields, length, first)
  const met = fields.meet === 'and' ? dates & weekdays : dates | weekdays
  return met & upTo(length)
}

/** Bits 1 to n; n is 28 to 31. */
const upTo = (n: number): number => (n === 31 ? ~1 : (bit(n + 1) - 1) & ~1)

function datesOf(fields: CronFields, length: number, first: number): number {
  let dates = fields.days
  if (fields.lastDay) dates |= bit(length)
  if (fields.lastWeekday) dates |= bit(nearestWeekday(length, length, first))
  if (fields.nearestWeekdays !== 0)
    for (let day = 1; day <= length; day += 1)
      if (fields.nearestWeekdays & bit(day)) dates |= bit(nearestWeekday(day, length, first))
  return dates
}

/** The day from Monday to Friday that is nearest, without leaving the month. */
function nearestWeekday(day: number, length: number, first: number): number {
  const weekday = (first + day - 1) % 7
  if (weekday === 6) return day === 1 ? day + 2 : day - 1
  if (weekday === 0) return day === length ? day - 2 : day + 1
  return day
}

/** All days of a month whose first is a Sunday and which fall on weekday 0: 1, 8, 15, 22, 29. */
const EVERY_SEVENTH = bit(1) | bit(8) | bit(15) | bit(22) | bit(29)

function weekdaysOf(fields: CronFields, length: number, first: number): number {
  if (fields.weekdays === 0b111_1111) return ~1
  let days = 0
  for (let weekday = 0; weekday < 7; weekday += 1)
    if (fields.weekdays & bit(weekday)) days |= EVERY_SEVENTH << ((weekday - first + 7) % 7)
  for (const { weekday, nth } of fields.nthWeekdays) {
    const day = 1 + ((weekday - first + 7) % 7)
    for (let week = 0; week < LAST_WEEK_BIT; week += 1)
      if (nth & bit(week) && day + 7 * week <= length) days |= bit(day + 7 * week)
    if (nth & bit(LAST_WEEK_BIT)) days |= bit(day + 7 * Math.floor((length - day) / 7))
  }
  return days
}
