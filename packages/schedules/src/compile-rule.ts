import { FoliotError, truncate } from '@foliot/jobs'
import type { Calendar } from './calendar.ts'
import { refuseCron } from './check-cron.ts'
import { DAY_MS, dayOfDate } from './civil.ts'
import { FIRST_YEAR, LAST_YEAR, parseCron } from './cron-fields.ts'
import { fieldsOf } from './cron-names.ts'
import { namesHours } from './cron-times.ts'
import { DST_BY_CLOCK, DST_BY_ELAPSED, type Dst } from './dst.ts'
import { seedOf } from './jitter.ts'
import { hasDays } from './local-times.ts'
import type { CalendarUse, CompiledRule, RuleDefinition, Timing } from './rule.ts'
import type { RuleCalendar } from './rule-calendars.ts'
import { nextTick } from './tick.ts'
import { warnCron } from './warn-cron.ts'
import { zoneOf } from './zone.ts'

const EVERY_MIN_MS = 1000
const EVERY_MAX_MS = 3650 * DAY_MS
const LATEST = dayOfDate(LAST_YEAR + 1, 1, 1) * DAY_MS
const NONE: readonly never[] = Object.freeze([])

/**
 * Checks a rule and makes it quick to ask. It knows no now: a rule that is over compiles, and has no `nextTick`.
 *
 * @param calendars those that it may name, by name.
 * @throws FoliotError validation_failed if the rule is wrong, can be read in two ways, or is never due.
 */
export function compileRule(definition: RuleDefinition, calendars?: ReadonlyMap<string, Calendar>): CompiledRule {
  const { id, timezone = 'UTC', jitterMs = 0, startAt, endAt, calendars: used = NONE } = definition
  checkInstant('startAt', startAt)
  checkInstant('endAt', endAt)
  if (endAt !== undefined && endAt <= (startAt ?? 0))
    throw refuse(
      'endAt',
      `to be after \`startAt\` (${startAt ?? 0})`,
      endAt,
      'Leave it out for a schedule without an end.',
    )
  const zone = zoneOf(timezone)
  const timing = timingOf(definition)
  const jitterMaxMs = timing.kind === 'every' ? Math.min(DAY_MS, timing.everyMs - 1) : DAY_MS
  checkInteger('jitterMs', jitterMs, 0, jitterMaxMs)
  const rule: CompiledRule = Object.freeze({
    timing,
    zone,
    startAt: startAt ?? 0,
    endAt: endAt ?? LATEST,
    jitterMs,
    seed: seedOf(id),
    calendars: used.length === 0 ? NONE : used.map((use) => calendarOf(use, calendars)),
    warnings: timing.kind === 'cron' ? warnCron(timing.fields) : NONE,
  })
  const bounded = endAt !== undefined || rule.calendars.length > 0 || (timing.kind === 'cron' && timing.fields.years)
  if (bounded && !isEverDue(rule))
    throw refuse(timing.kind === 'every' ? 'everyMs' : timing.kind, 'to be due at some time', describeNever(definition))
  return rule
}

/** A zone is looked through from the first instant that is asked for: only what is over by now is worth all its years. */
const LATELY = dayOfDate(2020, 1, 1) * DAY_MS

const isEverDue = (rule: CompiledRule): boolean =>
  nextTick(rule, Math.max(rule.startAt, LATELY) - 1) !== undefined || nextTick(rule, rule.startAt - 1) !== undefined

function describeNever({ cron, everyMs, at, startAt, endAt, dst, calendars = [] }: RuleDefinition): string {
  const instant = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString())
  const limits = Object.entries({ startAt: instant(startAt), endAt: instant(endAt), dst: dst?.missing })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${value}`)
  const names = calendars.map(({ name }) => `calendar "${name}"`)
  return [
    `${cron ?? everyMs ?? instant(at)}, which never is with`,
    [...limits, ...names].join(', ') || 'these years',
  ].join(' ')
}

function timingOf(definition: RuleDefinition): Timing {
  const { cron, everyMs, at, anchor, dst, startAt } = definition
  const given = Object.entries({ cron, everyMs, at }).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  if (given.length !== 1)
    throw refuse(
      'cron',
      'or `everyMs` or `at` to be given, one of them',
      given.length === 0 ? 'none' : given.join(' and '),
    )
  if (dst !== undefined && cron === undefined)
    throw refuse('dst', 'only with `cron`', JSON.stringify(dst), 'What goes by elapsed time knows no daylight saving.')
  if (anchor !== undefined && everyMs === undefined) throw refuse('anchor', 'only with `everyMs`', anchor)
  if (at !== undefined) {
    checkInstant('at', at)
    return { kind: 'at', at }
  }
  if (everyMs !== undefined) {
    checkInteger('everyMs', everyMs, EVERY_MIN_MS, EVERY_MAX_MS)
    checkInstant('anchor', anchor)
    return { kind: 'every', everyMs, anchor: anchor ?? startAt ?? 0 }
  }
  return cronTiming(cron ?? '', dst)
}

function cronTiming(cron: string, dst: Partial<Dst> | undefined): Timing {
  const fields = parseCron(cron)
  if (!hasDays(fields)) {
    const place = fieldsOf(cron)?.find(({ kind }) => kind.name === 'day of the month')
    refuseCron(cron, place, 'it is never due: no year it allows has such a day in such a month')
  }
  checkOneOf('dst/repeated', dst?.repeated, ['first', 'last', 'both'])
  checkOneOf('dst/missing', dst?.missing, ['shift', 'skip'])
  const usual = namesHours(fields) ? DST_BY_CLOCK : DST_BY_ELAPSED
  const { repeated = usual.repeated, missing = usual.missing } = dst ?? {}
  const same = repeated === usual.repeated && missing === usual.missing
  return { kind: 'cron', fields, dst: same ? usual : { repeated, missing }, dstGiven: dst !== undefined }
}

function calendarOf({ name, mode = 'exclude' }: CalendarUse, calendars?: ReadonlyMap<string, Calendar>): RuleCalendar {
  checkOneOf('calendars', mode, ['exclude', 'shift'])
  const calendar = calendars?.get(name)
  if (calendar) return { calendar, mode }
  const known = [...(calendars?.keys() ?? [])].join(', ') || 'none'
  throw refuse('calendars', `to name calendars that there are (${truncate(known, 500)})`, name)
}

function checkInstant(name: string, value: number | undefined): void {
  if (value !== undefined) checkInteger(name, value, 0, LATEST, `between ${FIRST_YEAR} and ${LAST_YEAR}`)
}

function checkInteger(name: string, value: number, min: number, max: number, means = `from ${min} to ${max}`): void {
  if (Number.isInteger(value) && value >= min && value <= max) return
  throw refuse(name, `to be a whole number of milliseconds ${means}`, value)
}

function checkOneOf(name: string, value: string | undefined, known: readonly string[]): void {
  if (value !== undefined && !known.includes(value)) throw refuse(name, `to be one of ${known.join(', ')}`, value)
}

function refuse(name: string, expected: string, came: unknown, hint?: string): FoliotError {
  const message = `expected \`${name.replace('/', '.')}\` ${expected}, got ${truncate(String(came), 200)}`
  const errors = [{ path: `/${name}`, message }]
  return new FoliotError('validation_failed', message, hint === undefined ? { errors } : { errors, hint })
}
