import type { Calendar } from './calendar.ts'
import { DAY_MS } from './civil.ts'

/** A calendar as a rule keeps it. */
export interface RuleCalendar {
  readonly calendar: Calendar
  /** `exclude`: its ticks are skipped. `shift`: they wait for the next time that no calendar of the rule holds. */
  readonly mode: 'exclude' | 'shift'
}

/** The first calendar that skips what is due at `ms`. */
export const excluderOf = (calendars: readonly RuleCalendar[], ms: number): Calendar | undefined =>
  calendars.find(({ calendar, mode }) => mode === 'exclude' && calendar.has(ms))?.calendar

/** The first calendar that holds `ms`. */
export const holderOf = (calendars: readonly RuleCalendar[], ms: number): Calendar | undefined =>
  calendars.find(({ calendar }) => calendar.has(ms))?.calendar

/** What calendars that take turns hold for ten years they hold for ever: to look further takes time. */
const HELD_MAX_MS = 3660 * DAY_MS

/** The first instant after `ms` that no calendar holds; undefined if none holds `ms`, Infinity if there is none. */
export function freeAfter(calendars: readonly RuleCalendar[], ms: number): number | undefined {
  let at = ms
  for (let holder = holderOf(calendars, at); holder; holder = holderOf(calendars, at)) {
    at = holder.endOf(at) ?? at
    if (at - ms > HELD_MAX_MS) return Number.POSITIVE_INFINITY
  }
  return at === ms ? undefined : at
}

/** The first of the instants without a gap up to `ms`, all of which some calendar holds. One has to hold `ms`. */
export function heldSince(calendars: readonly RuleCalendar[], ms: number): number {
  let since = ms + 1
  for (let holder = holderOf(calendars, ms); holder; holder = holderOf(calendars, since - 1))
    since = holder.startOf(since - 1) ?? since
  return since
}
