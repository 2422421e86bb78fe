import type { MisfirePolicy, OverlapPolicy, StoredCalendar } from '@foliot/jobs'
import type { Random } from '../random.ts'

export const TICK_TYPE = 'chaos.tick'
export const TICK_QUEUE = 'chaos'
const CALENDAR = 'chaos-quiet'

/** A schedule as it goes to `PUT /v1/schedules/{id}`. */
export interface ScheduleBody {
  type: string
  input: { file: string }
  cron?: string
  everyMs?: number
  timezone: string
  jitterMs: number
  misfire: MisfirePolicy
  lateAfterMs: number
  maxCatchUp: number
  overlap: OverlapPolicy
  calendars: { name: string; mode: 'exclude' | 'shift' }[]
  /** `schedule` is its id, for the handler. */
  labels: Record<string, string>
}

export interface NewSchedule {
  id: string
  body: ScheduleBody
}

const EVERY_SECOND = 1000
const MIXED = 200
/** More than any run can be late by. */
const CATCH_UP_ALL = 10_000

/** All schedules of a run. @param file where their jobs note that they ran */
export function newSchedules(random: Random, file: string): NewSchedule[] {
  const named = (prefix: string, count: number, make: (id: string) => ScheduleBody): NewSchedule[] =>
    Array.from({ length: count }, (_, i) => `${prefix}-${i + 1}`).map((id) => ({ id, body: make(id) }))
  return [
    ...named('second', EVERY_SECOND, (id) => everySecond(id, file)),
    ...named('cron', MIXED, (id) => mixedCron(random, id, file)),
  ]
}

const bodyOf = (id: string, file: string): Pick<ScheduleBody, 'type' | 'input' | 'labels'> => ({
  type: TICK_TYPE,
  input: { file },
  labels: { schedule: id },
})

const everySecond = (id: string, file: string): ScheduleBody => ({
  ...bodyOf(id, file),
  everyMs: 1000,
  timezone: 'UTC',
  jitterMs: 0,
  misfire: 'fire_all',
  // Less than slots are without a scheduler after a kill, so that the misfire policy decides what is made up.
  lateAfterMs: 2000,
  maxCatchUp: CATCH_UP_ALL,
  overlap: 'allow',
  calendars: [],
})

const weighed = <T>(...entries: [value: T, weight: number][]) => entries.map(([value, weight]) => ({ value, weight }))

const CRONS = weighed(
  ['* * * * *', 3],
  ['*/2 * * * *', 1],
  ['* * * * SUN-SAT', 1],
  ['* * * * * *', 3],
  ['*/2 * * * * *', 3],
  ['*/5 * * * * *', 4],
  ['3,17,42 * * * * *', 2],
  ['10-50/10 * * * * ?', 2],
  ['7-58/3 * * * * *', 2],
  ['0,30 * * * JAN-DEC *', 2],
)
const ZONES = weighed(
  ['UTC', 2],
  ['Europe/Berlin', 2],
  ['America/New_York', 1],
  ['America/St_Johns', 1],
  ['Asia/Kathmandu', 1],
  ['Australia/Lord_Howe', 1],
)
const JITTERS_MS = weighed([0, 5], [300, 2], [900, 2], [3000, 1])
const MISFIRES = weighed<MisfirePolicy>(['skip', 1], ['fire_once', 1], ['fire_all', 1])
const CATCH_UPS = weighed([1, 1], [3, 1], [CATCH_UP_ALL, 1])
const OVERLAPS = weighed<OverlapPolicy>(['skip', 1], ['allow', 1])
const CALENDAR_USES = weighed<ScheduleBody['calendars']>(
  [[], 6],
  [[{ name: CALENDAR, mode: 'exclude' }], 1],
  [[{ name: CALENDAR, mode: 'shift' }], 1],
)

const mixedCron = (random: Random, id: string, file: string): ScheduleBody => ({
  ...bodyOf(id, file),
  cron: random.pick(CRONS).value,
  timezone: random.pick(ZONES).value,
  jitterMs: random.pick(JITTERS_MS).value,
  misfire: random.pick(MISFIRES).value,
  lateAfterMs: random.between(500, 3000),
  maxCatchUp: random.pick(CATCH_UPS).value,
  overlap: random.pick(OVERLAPS).value,
  calendars: random.pick(CALENDAR_USES).value,
})

/** What a schedule is edited to. @param n tells edits apart, so that none changes nothing */
export function edited(random: Random, id: string, body: ScheduleBody, n: number): ScheduleBody {
  const labels = { schedule: id, edit: String(n) }
  if (body.everyMs === undefined) {
    // Half of them go on at the same times: then no tick may get lost between two versions.
    return { ...(random.next() < 0.5 ? mixedCron(random, id, body.input.file) : body), labels }
  }
  const everyMs = random.next() < 0.5 ? body.everyMs : body.everyMs === 1000 ? 2000 : 1000
  return { ...body, everyMs, labels }
}

const MINUTE_MS = 60_000
const WINDOWS_MAX = 100
const EVERY_DAY = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const

/** It holds every other minute from the next one on, for some three hours: so each run of a minute sees it begin or end. */
export function quietMinutes(now: number): Pick<StoredCalendar, 'name' | 'timezone' | 'dates' | 'windows'> {
  const next = Math.floor(now / MINUTE_MS) + 1
  const windows = Array.from({ length: WINDOWS_MAX }, (_, i) => ({
    days: EVERY_DAY,
    from: clockOf(next + 2 * i),
    to: clockOf(next + 2 * i + 1),
  }))
  return { name: CALENDAR, timezone: 'UTC', dates: [], windows }
}

/** `HH:MM` of a minute since 1970. */
const clockOf = (minute: number): string => new Date(minute * MINUTE_MS).toISOString().slice(11, 16)
