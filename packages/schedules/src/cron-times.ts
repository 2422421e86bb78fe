import { DAY_MS, dayOfDate } from './civil.ts'
import { type CronFields, EVERY_HOUR, FIRST_YEAR, LAST_YEAR } from './cron-fields.ts'
import type { Dst } from './dst.ts'
import { nextLocalTime } from './local-times.ts'
import type { Stretch, Zone } from './zone.ts'

const EARLIEST = dayOfDate(FIRST_YEAR, 1, 1) * DAY_MS
const LATEST = dayOfDate(LAST_YEAR + 1, 1, 1) * DAY_MS

/**
 * The first instant after `afterMs` at which the clocks of the zone show what the expression allows, with the repeated
 * and the missing hour as `dst` says; undefined if there is none up to the last year.
 *
 * It goes from stretch to stretch: within one, a local time is one instant, and the search needs no zone.
 */
export function nextCronTime(fields: CronFields, zone: Zone, dst: Dst, afterMs: number): number | undefined {
  // Cron knows whole seconds; a day more than the years holds all zones of the first one.
  const fromMs = Math.max(Math.floor(afterMs / 1000) * 1000 + 1000, EARLIEST - DAY_MS)
  if (fromMs > LATEST + DAY_MS) return undefined
  let stretch = zone.stretchAt(fromMs)
  for (;;) {
    if (stretch.start >= fromMs && dst.missing === 'shift' && missesTime(fields, stretch)) return stretch.start
    const lower = lowerBound(stretch, fromMs, dst)
    const local = nextLocalTime(fields, lower)
    if (local !== undefined && local < upperBound(stretch, dst)) return local - stretch.offset
    const comesBack = stretch.end + stretch.offsetAfter < lower
    if (local === undefined && !comesBack) return undefined
    // Nothing is due before `local`, but in an hour that comes back: the stretches between need no look.
    const resumeAt = local === undefined || comesBack ? stretch.end : local - stretch.offset - 2 * DAY_MS
    stretch = zone.stretchAt(Math.max(stretch.end, resumeAt))
  }
}

/** The local time from which on a stretch is searched: with `first`, what its beginning repeats is left out. */
function lowerBound({ start, offset, offsetBefore }: Stretch, fromMs: number, dst: Dst): number {
  const lower = Math.max(start, fromMs) + offset
  return dst.repeated === 'first' ? Math.max(lower, start + offsetBefore) : lower
}

/** The local time up to which a stretch is searched: with `last`, what comes back after its end is left out. */
const upperBound = ({ end, offset, offsetAfter }: Stretch, dst: Dst): number =>
  end + (dst.repeated === 'last' ? Math.min(offset, offsetAfter) : offset)

/** Whether the expression allows a time that the clocks leap over where the stretch begins. */
function missesTime(fields: CronFields, { start, offset, offsetBefore }: Stretch): boolean {
  if (offsetBefore >= offset) return false
  const local = nextLocalTime(fields, start + offsetBefore)
  return local !== undefined && local < start + offset
}

/** Some local times of an expression: the first, the last, and how many there are. */
export interface LocalTimes {
  readonly from: number
  readonly to: number
  readonly count: number
}

function timesBetween(
  fields: CronFields,
  fromLocal: number,
  untilLocal: number,
  counts: (local: number) => boolean = () => true,
): LocalTimes | undefined {
  const locals: number[] = []
  let local = nextLocalTime(fields, fromLocal)
  for (; local !== undefined && local < untilLocal; local = nextLocalTime(fields, local + 1000))
    if (counts(local)) locals.push(local)
  const [from, to] = [locals[0], locals.at(-1)]
  return from === undefined || to === undefined ? undefined : { from, to, count: locals.length }
}

/** The missing times that the tick at this instant stands for; undefined if it is there for its own time. */
export function shiftedTimes(fields: CronFields, zone: Zone, dst: Dst, atMs: number): LocalTimes | undefined {
  if (dst.missing === 'skip') return undefined
  const { start, offset, offsetBefore } = zone.stretchAt(atMs)
  if (start !== atMs || offsetBefore >= offset || nextLocalTime(fields, atMs + offset) === atMs + offset)
    return undefined
  return timesBetween(fields, start + offsetBefore, start + offset)
}

/** Local times that are left out where the clocks are set. */
export interface DstSkip extends LocalTimes {
  /** `merged`: they are missing, and would move to where a tick is already. */
  readonly kind: 'missing' | 'merged' | 'first' | 'last'
  /** The first instant at which one is left out. */
  readonly at: number
}

/** What `nextCronTime` leaves out after one instant and up to another, ascending. */
export function* dstSkips(
  fields: CronFields,
  zone: Zone,
  dst: Dst,
  afterMs: number,
  untilMs: number,
): Generator<DstSkip> {
  // What comes twice is left out on both sides of a change: of the one before `afterMs` there may be something after it.
  let stretch = zone.stretchAt(afterMs - DAY_MS)
  for (; stretch.end <= untilMs + DAY_MS; stretch = zone.stretchAt(stretch.end)) {
    const { end, offset, offsetAfter } = stretch
    if (nextLocalTime(fields, end + Math.min(offset, offsetAfter)) === undefined) return
    const kind = skippedAtEnd(fields, stretch, dst)
    if (!kind) continue
    const instantOf = (local: number) => {
      if (kind === 'missing' || kind === 'merged') return end
      return local - (kind === 'first' ? offset : offsetAfter)
    }
    const [low, high] = [end + Math.min(offset, offsetAfter), end + Math.max(offset, offsetAfter)]
    const inRange = (local: number) => instantOf(local) > afterMs && instantOf(local) <= untilMs
    const times = timesBetween(fields, low, high, inRange)
    if (times) yield { kind, at: instantOf(times.from), ...times }
  }
}

/** Which times are left out where the stretch ends; undefined if none. */
function skippedAtEnd(
  fields: CronFields,
  { end, offset, offsetAfter }: Stretch,
  dst: Dst,
): DstSkip['kind'] | undefined {
  if (offsetAfter > offset) {
    if (dst.missing === 'skip') return 'missing'
    return nextLocalTime(fields, end + offsetAfter) === end + offsetAfter ? 'merged' : undefined
  }
  if (offsetAfter === offset || dst.repeated === 'both') return undefined
  return dst.repeated === 'first' ? 'last' : 'first'
}

/** Whether the expression names its hours. If it allows all of them it goes by elapsed time. */
export const namesHours = (fields: CronFields): boolean => fields.hours !== EVERY_HOUR
