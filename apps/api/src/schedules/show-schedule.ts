import { setImmediate as soon } from 'node:timers/promises'
import { FoliotError, type JobType, type Schedule } from '@foliot/jobs'
import type { Catalog } from '@foliot/queue'
import {
  type Calendar,
  type CompiledRule,
  describeRule,
  nextTick,
  nextUndecided,
  previousTick,
  type Tick,
} from '@foliot/schedules'
import type { ScheduleStore } from './schedule-store.ts'
import { ruleOf } from './to-schedule.ts'

/** How many next times an answer tells. */
const NEXT_RUNS = 5
/** To reckon the next times of some schedules takes milliseconds: others are served in between. */
const SHOWN_AT_ONCE = 20

/** Inputs of answers as they were sent: to write them anew would change them. */
const inputs = new WeakMap<object, string>()

export type ShownSchedule = Awaited<ReturnType<typeof showSchedules>>[number]

/** Schedules as answers have them, in order. */
export async function showSchedules(
  stored: readonly Schedule[],
  { schedules, catalog }: { schedules: ScheduleStore; catalog: Catalog },
) {
  const [calendars] = await Promise.all([calendarsOf(stored, schedules), catalog.refresh()])
  const types = new Map(catalog.types.map((type) => [type.name, type]))
  const shown = []
  for (const [i, schedule] of stored.entries()) {
    if (i % SHOWN_AT_ONCE === SHOWN_AT_ONCE - 1) await soon()
    shown.push(show(schedule, calendars.get(schedule.tenant) ?? new Map(), types.get(schedule.type)))
  }
  return shown
}

/** By tenant. */
async function calendarsOf(schedules: readonly Schedule[], store: ScheduleStore) {
  const names = Map.groupBy(
    schedules.flatMap(({ tenant, calendars = [] }) => calendars.map(({ name }) => ({ tenant, name }))),
    ({ tenant }) => tenant,
  )
  const found = Array.from(names, async ([tenant, used]) => {
    return [
      tenant,
      await store.calendars(
        tenant,
        used.map(({ name }) => name),
      ),
    ] as const
  })
  return new Map(await Promise.all(found))
}

function show(schedule: Schedule, calendars: ReadonlyMap<string, Calendar>, type: JobType | undefined) {
  const { inputText, from, anchor, at, startAt, endAt, pausedUntil, pausedReason, paused, ...same } = schedule
  const nowMs = Date.now()
  const isPaused = paused && (pausedUntil === undefined || nowMs < pausedUntil)
  const shown = {
    ...same,
    input: JSON.parse(inputText) as unknown,
    ...(at !== undefined && { at: iso(at) }),
    ...(startAt !== undefined && { startAt: iso(startAt) }),
    ...(endAt !== undefined && { endAt: iso(endAt) }),
    calendars: [...(schedule.calendars ?? [])],
    paused: isPaused,
    ...(isPaused && pausedReason !== undefined && { pausedReason }),
    ...(isPaused && pausedUntil !== undefined && { pausedUntil: iso(pausedUntil) }),
    createdAt: iso(schedule.createdAt),
    updatedAt: iso(schedule.updatedAt),
    ...timesOf(schedule, calendars, isPaused ? pausedUntil : nowMs),
  }
  if (!type)
    shown.warnings.push(`No worker has announced the job type ${schedule.type}: until one does, nothing can run.`)
  inputs.set(shown, inputText)
  return shown
}

/** @param fromMs undefined: it has no next time, as far as anybody knows. */
function timesOf(schedule: Schedule, calendars: ReadonlyMap<string, Calendar>, fromMs: number | undefined) {
  const rule = compile(schedule, calendars)
  // What was right when it was stored may be so no more: a calendar that it uses was changed, for example.
  if (rule instanceof FoliotError)
    return { description: 'a rule that cannot be used', nextRuns: [], warnings: [rule.message] }
  const nextRuns = fromMs === undefined ? [] : dueFrom(rule, fromMs, schedule.createdAt).map(({ due }) => iso(due))
  return { description: describeRule(rule), nextRuns, warnings: [...rule.warnings] }
}

function compile(schedule: Schedule, calendars: ReadonlyMap<string, Calendar>): CompiledRule | FoliotError {
  try {
    return ruleOf(schedule, calendars)
  } catch (error) {
    if (error instanceof FoliotError) return error
    throw error
  }
}

/** The next ticks that are due then or later, also one that was planned before and put off, but for what was before it was made. */
function dueFrom(rule: CompiledRule, fromMs: number, createdAt: number): Tick[] {
  const mayBeLate = rule.jitterMs > 0 || rule.calendars.some(({ mode }) => mode === 'shift')
  const before = mayBeLate ? previousTick(rule, fromMs) : undefined
  const isPending = before && before.due >= fromMs
  const isOfIt = before && (before.nominal > createdAt || nextUndecided(rule, createdAt)?.due === before.due)
  const ticks = isPending && isOfIt ? [before] : []
  while (ticks.length < NEXT_RUNS) {
    const tick = nextTick(rule, ticks.at(-1)?.nominal ?? fromMs - 1)
    if (!tick) break
    ticks.push(tick)
  }
  return ticks
}

const iso = (ms: number): string => new Date(ms).toISOString()

/** As JSON, with the input as it was sent. */
export function scheduleText(shown: ShownSchedule): string {
  const text = inputs.get(shown)
  if (text === undefined) throw new TypeError(`expected the schedule ${shown.id} as it was shown, got a copy`)
  return `${JSON.stringify({ ...shown, input: undefined }).slice(0, -1)},"input":${text}}`
}

export const scheduleListText = ({ items, ...page }: { items: readonly ShownSchedule[] }): string =>
  `{"items":[${items.map(scheduleText).join(',')}],${JSON.stringify(page).slice(1)}`
