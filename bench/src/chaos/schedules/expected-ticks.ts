import { scheduleKey } from '@foliot/jobs'
import {
  type Calendar,
  type CompiledRule,
  compileRule,
  nextOutcome,
  nextUndecided,
  type Tick,
  ticksBetween,
} from '@foliot/schedules'
import { isPaused, type ScheduleRecord, type Version } from './ledger.ts'

/** What may become of a tick: a job, or a record of why there is none. */
export type TickEnd = 'fire' | 'pause' | 'late' | 'overlap' | 'calendar'

/** A tick that some version of a schedule has. Instants are in ms since 1970. */
export interface ExpectedTick {
  nominal: number
  /** It has to be decided. Otherwise it may be: it lies where one version follows another, and not both have it. */
  must: boolean
  /** How it may end, and how long before it was due the last version that allows that was over, in ms: 0 if it was not. */
  may: ReadonlyMap<TickEnd, number>
}

/**
 * An edit holds for every scheduler this long after its answer. It is promised to do so within a second, as far as schedulers
 * live: one that is frozen goes on with what it knew, until others have taken over.
 */
const SETTLED_AFTER_MS = 5000
/** A calendar, which holds a minute, and jitter put a tick off by less. */
const PUT_OFF_MS = 90_000

/** Schedules are made with a key of all tenants, which makes them here. */
const TENANT = 'default'
export const keyOf = (id: string): string => scheduleKey({ tenant: TENANT, id })

/**
 * The ticks of a schedule, by `nominal`: computed from the rules alone, and from when it was told that they hold. The last
 * version only ends the one before it: what is due after it was asked for may be decided or not.
 *
 * @param calendars by name
 */
export function expectedTicks(
  { id, versions }: ScheduleRecord,
  calendars: ReadonlyMap<string, Calendar>,
): Map<number, ExpectedTick> {
  const [first] = versions as [Version, ...Version[]]
  const last = versions.at(-1) as Version
  const spans = versions.map((version, i): Span => {
    const next = versions[i + 1]
    const overAt = next?.answeredAt ?? Number.POSITIVE_INFINITY
    return { version, from: version.sentAt, overAt, to: (next ?? last).answeredAt + SETTLED_AFTER_MS }
  })
  const found = new Map<number, { tick: Tick; of: Span[]; isMoved: boolean }>()
  for (const span of spans) {
    const { from, to } = span
    for (const tick of ticksOf(id, span.version, calendars, from, to)) {
      // Of a new schedule those count that were planned after it was made.
      if (tick.nominal < first.sentAt || tick.due < from || tick.due > to) continue
      const same = found.get(tick.nominal)
      if (!same) found.set(tick.nominal, { tick, of: [span], isMoved: false })
      else {
        same.of.push(span)
        same.isMoved ||= same.tick.due !== tick.due
      }
    }
  }
  const usesCalendars = versions.some(({ body }) => body.calendars.length > 0)
  const expected = new Map<number, ExpectedTick>()
  /** What may be decided by a version, though it is not planned for its time. */
  const allow = ({ nominal, due }: Tick, { version }: Span): void => {
    const { must, may } = expected.get(nominal) ?? { must: false, may: new Map<TickEnd, number>() }
    const ends = endsOf(version, due).map((end) => [end, 0] as const)
    expected.set(nominal, { nominal, must, may: new Map([...ends, ...may]) })
  }
  for (const { tick, of, isMoved } of found.values()) {
    const { nominal, due } = tick
    const couldHave = spans.filter(({ from, to }) => due >= from && due <= to).length
    const isNew = nominal <= first.answeredAt
    const [firstOf] = of as [Span, ...Span[]]
    // One that a calendar moved past an edit, and no version before had.
    const isHeld = firstOf.version !== first && nominal < firstOf.from
    const must = of.length === couldHave && !isMoved && !isNew && !isHeld && due < last.sentAt
    const may = new Map<TickEnd, number>()
    // A later version is over later.
    for (const { version, overAt } of of)
      for (const end of endsOf(version, due)) may.set(end, Math.max(0, due - overAt))
    // Where versions follow each other, one may have excluded it.
    if (!must && usesCalendars) may.set('calendar', 0)
    expected.set(nominal, { nominal, must, may })
  }
  for (const [i, span] of spans.entries()) {
    for (const tick of standInsOf(id, span, calendars)) allow(tick, span)
    const before = spans[i - 1]
    for (const tick of before ? releasedBy(id, before, span, calendars) : []) allow(tick, span)
  }
  return expected
}

/** A version, and when its ticks may be decided. */
interface Span {
  version: Version
  from: number
  /** When it was told that there is another one. */
  overAt: number
  to: number
}

function ticksOf(
  id: string,
  version: Version,
  calendars: ReadonlyMap<string, Calendar>,
  from: number,
  to: number,
): Iterable<Tick> {
  const { jitterMs, calendars: used } = version.body
  const isPutOff = jitterMs > 0 || used.length > 0
  return ticksBetween(ruleOf(id, version, calendars), isPutOff ? from - PUT_OFF_MS : from, to + 1)
}

/**
 * The times of the rule, from when a version was asked for until it held, that a calendar holds together with earlier ones:
 * the first that nobody has decided stands for all.
 */
function* standInsOf(id: string, { version, from }: Span, calendars: ReadonlyMap<string, Calendar>): Generator<Tick> {
  const rule = ruleOf(id, version, calendars)
  let held = nextOutcome(rule, from)
  while (held?.kind === 'skipped' && held.mergedInto !== undefined) {
    yield nextUndecided(rule, held.nominal - 1) as Tick
    if (held.nominal > version.answeredAt) return
    held = nextOutcome(rule, held.nominal)
  }
}

/** What waited for its jitter or for a calendar in the version before, and has nothing to wait for any more. */
function* releasedBy(
  id: string,
  before: Span,
  { version, from, to }: Span,
  calendars: ReadonlyMap<string, Calendar>,
): Generator<Tick> {
  const waiting = new Map(Array.from(ticksOf(id, before.version, calendars, from, to), (tick) => [tick.nominal, tick]))
  for (const { nominal, due } of ticksBetween(ruleOf(id, version, calendars), from - PUT_OFF_MS, to + 1)) {
    const tick = waiting.get(nominal)
    if (tick && tick.due !== due && tick.due >= from && nominal <= before.to)
      yield { nominal, due: Math.max(due, version.answeredAt) }
  }
}

function ruleOf(id: string, { body, anchor }: Version, calendars: ReadonlyMap<string, Calendar>): CompiledRule {
  const { cron, everyMs, timezone, jitterMs, calendars: used } = body
  return compileRule({ id: keyOf(id), cron, everyMs, anchor, timezone, jitterMs, calendars: used }, calendars)
}

function endsOf(version: Version, due: number): TickEnd[] {
  if (isPaused(version, due)) return ['pause']
  const { misfire, maxCatchUp, overlap } = version.body
  // A run is over before so many ticks are late.
  const catchesUp = misfire === 'fire_all' && maxCatchUp >= 1000
  return ['fire', ...(catchesUp ? [] : (['late'] as const)), ...(overlap === 'skip' ? (['overlap'] as const) : [])]
}
