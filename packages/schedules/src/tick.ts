import type { Calendar } from './calendar.ts'
import { nextCronTime, shiftedTimes } from './cron-times.ts'
import { jitterMs } from './jitter.ts'
import { describeMissing, localText } from './local-text.ts'
import type { CompiledRule } from './rule.ts'
import { excluderOf, freeAfter, heldSince, holderOf } from './rule-calendars.ts'

/** One time at which a schedule is due. Instants are milliseconds since 1970. */
export interface Tick {
  /** The time by the rule. It tells the ticks of a schedule apart, and never changes. */
  readonly nominal: number
  /** When it fires: `nominal`, or later because of a calendar or of jitter. */
  readonly due: number
  /** The last time of the rule that it stands for, if a calendar moved it. */
  readonly upTo?: number
  /** Why it is not where the rule has it, for people; for jitter there is none. */
  readonly explanation?: string
}

/** What becomes of one time of the rule. */
export type Outcome = Planned | Skipped

interface Planned {
  readonly kind: 'planned'
  readonly nominal: number
  /** When it is due but for jitter. */
  readonly base: number
  /** The calendar that moved it from `nominal` to `base`. */
  readonly shiftedBy?: Calendar
  /** Where to look for the next time. */
  readonly resumeAt: number
}

interface Skipped {
  readonly kind: 'skipped'
  readonly nominal: number
  readonly by: Calendar
  /** The tick that stands for this one too; without it, it was excluded. */
  readonly mergedInto?: number
  /** All times of the rule up to here, this one excluded, are skipped with it. */
  readonly resumeAt: number
}

/** So many stretches of skipped times in a row are the end of a schedule: thirteen years, if each is a day. */
const SKIPPED_MAX = 5000

/**
 * The first tick with a `nominal` after `afterMs`; undefined if there is none. `due` grows with `nominal`, so ticks are
 * never due in another order.
 */
export function nextTick(rule: CompiledRule, afterMs: number): Tick | undefined {
  const planned = nextPlanned(rule, afterMs)
  return planned && toTick(rule, planned)
}

/**
 * The next tick if all times of the rule up to `afterMs`, and all that their ticks stand for, are decided or of no concern. It is
 * `nextTick`, unless a calendar holds times after `afterMs` together with earlier ones: the first of them stands for the rest.
 */
export function nextUndecided(rule: CompiledRule, afterMs: number): Tick | undefined {
  let outcome = rule.calendars.length > 0 ? nextOutcome(rule, afterMs) : undefined
  // What is excluded may lie among what is held.
  while (outcome?.kind === 'skipped' && outcome.mergedInto === undefined) outcome = nextOutcome(rule, outcome.resumeAt)
  const first = outcome?.kind === 'skipped' ? nextTick(rule, (outcome.mergedInto as number) - 1) : undefined
  return outcome && first ? { ...first, nominal: outcome.nominal } : nextTick(rule, afterMs)
}

/** When the tick that was decided under `nominal` was due: undefined if the rule has none of that time. */
export function dueOf(rule: CompiledRule, nominal: number): number | undefined {
  const tick = nextUndecided(rule, nominal - 1)
  return tick?.nominal === nominal ? tick.due : undefined
}

/** The ticks with `nominal` from `fromMs` on and before `toMs`, one at a time: there may be very many. */
export function* ticksBetween(rule: CompiledRule, fromMs: number, toMs: number): Generator<Tick> {
  let planned = nextPlanned(rule, fromMs - 1)
  while (planned && planned.nominal < toMs) {
    yield toTick(rule, planned)
    planned = nextPlanned(rule, planned.resumeAt)
  }
}

/** The last tick with a `nominal` before `beforeMs`; undefined if there is none. It costs some dozens of `nextTick`. */
export function previousTick(rule: CompiledRule, beforeMs: number): Tick | undefined {
  const isBefore = (planned: Planned | undefined) => planned !== undefined && planned.nominal < beforeMs
  // Back until there is one, each time twice as far; then halving what lies between it and the end.
  let spanMs = 1000
  while (!isBefore(nextPlanned(rule, beforeMs - spanMs))) {
    if (beforeMs - spanMs < Math.max(0, rule.startAt - 1)) return undefined
    spanMs *= 2
  }
  let last = nextPlanned(rule, beforeMs - spanMs) as Planned
  for (let next = nextPlanned(rule, last.nominal); next && isBefore(next); next = nextPlanned(rule, last.nominal)) {
    const halfway = nextPlanned(rule, Math.floor((last.nominal + beforeMs) / 2))
    last = halfway && isBefore(halfway) ? halfway : next
  }
  return toTick(rule, last)
}

/** Times of a rule that one calendar excludes without a break. */
export interface Excluded {
  /** The first of them. */
  readonly first: number
  /** The calendar has all up to here, this one excluded; Infinity if it has no end. */
  readonly end: number
  /** For people. */
  readonly reason: string
}

/** What a calendar excludes after `afterMs` and before the next tick; undefined if there is none. */
export function excludedAfter(rule: CompiledRule, afterMs: number): Excluded | undefined {
  if (rule.calendars.length === 0) return undefined
  let outcome = nextOutcome(rule, afterMs)
  // For these there is a tick.
  while (outcome?.kind === 'skipped' && outcome.mergedInto !== undefined) outcome = nextOutcome(rule, outcome.resumeAt)
  if (outcome?.kind !== 'skipped') return undefined
  const { nominal, by, resumeAt } = outcome
  const until = Number.isFinite(resumeAt) ? `, up to ${at(rule, resumeAt + 1)}` : ''
  return { first: nominal, end: resumeAt + 1, reason: `excluded by the calendar "${by.name}"${until}` }
}

/** The times by the rule after `afterMs` and up to `upTo`, whatever becomes of them; no more than `most`. */
export function timesOf(rule: CompiledRule, afterMs: number, upTo: number, most: number): number[] {
  const found: number[] = []
  for (let nominal = nextNominal(rule, afterMs); nominal !== undefined && nominal <= upTo && found.length < most; ) {
    found.push(nominal)
    nominal = nextNominal(rule, nominal)
  }
  return found
}

/** The first time after `afterMs` that no calendar skips. */
function nextPlanned(rule: CompiledRule, afterMs: number): Planned | undefined {
  let outcome = nextOutcome(rule, afterMs)
  for (let skipped = 0; outcome?.kind === 'skipped'; skipped += 1) {
    if (skipped === SKIPPED_MAX) return undefined
    outcome = nextOutcome(rule, outcome.resumeAt)
  }
  return outcome
}

/** What becomes of the first time of the rule after `afterMs`. */
export function nextOutcome(rule: CompiledRule, afterMs: number): Outcome | undefined {
  const nominal = nextNominal(rule, afterMs)
  if (nominal === undefined) return undefined
  if (rule.calendars.length === 0) return { kind: 'planned', nominal, base: nominal, resumeAt: nominal }
  const excluder = excluderOf(rule.calendars, nominal)
  if (excluder)
    return { kind: 'skipped', nominal, by: excluder, resumeAt: (excluder.endOf(nominal) ?? nominal + 1) - 1 }
  const holder = holderOf(rule.calendars, nominal)
  return holder ? shifted(rule, nominal, holder) : merged(rule, nominal)
}

/** What a calendar moves to its end: all times in it become one tick, the first stands for them. */
function shifted(rule: CompiledRule, nominal: number, holder: Calendar): Outcome | undefined {
  const base = freeAfter(rule.calendars, nominal) ?? nominal
  if (base >= rule.endAt) return undefined
  const first = firstShifted(rule, nominal) ?? nominal
  if (first === nominal) return { kind: 'planned', nominal, base, shiftedBy: holder, resumeAt: nominal }
  return { kind: 'skipped', nominal, by: holder, mergedInto: first, resumeAt: base - 1 }
}

/** A time that is free, but at which one that was moved is due already. */
function merged(rule: CompiledRule, nominal: number): Outcome {
  const by = holderOf(rule.calendars, nominal - 1)
  const first = by && firstShifted(rule, nominal - 1)
  if (!by || first === undefined) return { kind: 'planned', nominal, base: nominal, resumeAt: nominal }
  return { kind: 'skipped', nominal, by, mergedInto: first, resumeAt: nominal }
}

/** The first time that is moved, of those that are moved to the same end as what is due at `ms`. */
function firstShifted(rule: CompiledRule, ms: number): number | undefined {
  const since = heldSince(rule.calendars, ms)
  for (let nominal = nextNominal(rule, since - 1); nominal !== undefined && nominal <= ms; ) {
    const excluder = excluderOf(rule.calendars, nominal)
    if (!excluder) return nominal
    nominal = nextNominal(rule, (excluder.endOf(nominal) ?? nominal + 1) - 1)
  }
  return undefined
}

/** The first time after `afterMs` by the rule alone. */
function nextNominal({ timing, zone, startAt, endAt }: CompiledRule, afterMs: number): number | undefined {
  const after = Math.max(Math.floor(afterMs), startAt - 1)
  // Not `>=`: what is no number has no next time either, where a search would not end.
  if (!(after < endAt)) return undefined
  const next =
    timing.kind === 'cron'
      ? nextCronTime(timing.fields, zone, timing.dst, after)
      : timing.kind === 'every'
        ? timing.anchor + (Math.floor((after - timing.anchor) / timing.everyMs) + 1) * timing.everyMs
        : timing.at > after
          ? timing.at
          : undefined
  return next !== undefined && next < endAt ? next : undefined
}

function toTick(rule: CompiledRule, planned: Planned): Tick {
  const { nominal, base, shiftedBy } = planned
  const due = rule.jitterMs === 0 ? base : jittered(rule, planned)
  const explanation = explain(rule, planned)
  const tick = shiftedBy ? { nominal, due, upTo: base } : { nominal, due }
  return explanation === undefined ? tick : { ...tick, explanation }
}

/** Jitter stops before the next tick, and before a time that a calendar holds. */
function jittered(rule: CompiledRule, { nominal, base, resumeAt }: Planned): number {
  const next = nextPlanned(rule, resumeAt)
  const roomMs = Math.min(rule.jitterMs, (next?.base ?? Number.POSITIVE_INFINITY) - base - 1, rule.endAt - base - 1)
  let due = base + jitterMs(rule.seed, nominal, roomMs)
  while (due > base && holderOf(rule.calendars, due))
    due = base + jitterMs(rule.seed, nominal, heldSince(rule.calendars, due) - base - 1)
  return due
}

function explain(rule: CompiledRule, { nominal, base, shiftedBy }: Planned): string | undefined {
  const { timing, zone } = rule
  const missing = timing.kind === 'cron' ? shiftedTimes(timing.fields, zone, timing.dst, nominal) : undefined
  if (!missing && !shiftedBy) return undefined
  const reasons = [
    ...(missing ? [`${describeMissing(missing, zone.name)}: moved to ${at(rule, nominal)}`] : []),
    ...(shiftedBy ? [`${at(rule, nominal)} is in the calendar "${shiftedBy.name}": moved to ${at(rule, base)}`] : []),
  ]
  return reasons.join('; ')
}

const at = ({ zone }: CompiledRule, ms: number): string => localText(zone.localTime(ms))
