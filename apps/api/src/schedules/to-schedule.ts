import { FoliotError, type JobType, type Schedule, scheduleKey } from '@foliot/jobs'
import { type Calendar, type CompiledRule, compileRule, nextTick } from '@foliot/schedules'
import { canonicalJson } from '../canonical-json.ts'
import { invalid } from '../problem.ts'
import type { ScheduleRequest } from '../wire/schedule.ts'

/** A schedule as somebody wants it: all but what follows from when it is stored. */
export type WantedSchedule = Omit<Schedule, 'revision' | 'anchor' | 'createdAt' | 'updatedAt' | 'from'>

/** What was asked for, as it is stored. @param inputText `input` as JSON */
export function toWanted(
  request: ScheduleRequest,
  ref: { tenant: string; id: string },
  inputText: string,
): WantedSchedule {
  const { type, cron, everyMs, timezone, jitterMs, misfire, lateAfterMs, maxCatchUp, overlap, paused } = request
  const { startWithinMs, expectWithinMs, finishWithinMs, pausedReason } = request
  const { at, startAt, endAt, pausedUntil, dst, calendars, lateStart = 'cancel', labels = {}, jobOptions } = request
  return withoutUndefined({
    id: ref.id,
    tenant: ref.tenant,
    type,
    inputText,
    cron,
    everyMs,
    at: toMs(at),
    timezone,
    startAt: toMs(startAt),
    endAt: toMs(endAt),
    jitterMs,
    misfire,
    lateAfterMs,
    maxCatchUp,
    overlap,
    dst: dst && withoutUndefined(dst),
    calendars: calendars.length === 0 ? undefined : calendars.map(toUse),
    startWithinMs,
    lateStart: startWithinMs === undefined ? undefined : lateStart,
    expectWithinMs,
    finishWithinMs,
    paused,
    pausedReason,
    pausedUntil: toMs(pausedUntil),
    labels,
    jobOptions: withoutUndefined(jobOptions),
  })
}

export const toMs = (time: string | undefined): number | undefined =>
  time === undefined ? undefined : Date.parse(time)

const toUse = <Use extends object>(use: string | Use) =>
  typeof use === 'string' ? { name: use, mode: 'exclude' as const } : use

/** Undefined if nothing that was asked for is other than before. */
export function toChanged(
  wanted: WantedSchedule,
  before: Schedule | undefined,
  revision: number,
  nowMs: number,
): Schedule | undefined {
  if (before && isSame(wanted, before)) return undefined
  const isEvery = wanted.everyMs !== undefined && wanted.startAt === undefined
  // Steps go on as they were if nothing of them is changed; else they are counted from now.
  const kept = wanted.everyMs === before?.everyMs ? before?.anchor : undefined
  return {
    ...wanted,
    revision,
    ...(isEvery && { anchor: kept ?? nowMs }),
    createdAt: before?.createdAt ?? nowMs,
    ...sinceNow(before, nowMs),
  }
}

/** When it came to be as it is. Clocks of several processes differ: a later version never begins before an earlier one. */
export const sinceNow = (before: Schedule | undefined, nowMs: number): Pick<Schedule, 'updatedAt' | 'from'> => {
  const from = Math.max(nowMs, before?.from ?? 0)
  return { updatedAt: from, from }
}

function isSame(wanted: WantedSchedule, before: Schedule): boolean {
  const { revision, anchor, createdAt, updatedAt, from, ...kept } = before
  return canonicalJson(wanted) === canonicalJson(kept)
}

/** Its rule. @throws FoliotError `validation_failed` for one that is wrong, ambiguous or never due */
export const ruleOf = (
  schedule: Omit<WantedSchedule, 'inputText'> & { anchor?: number },
  calendars: ReadonlyMap<string, Calendar>,
): CompiledRule => compileRule({ ...schedule, id: scheduleKey(schedule) }, calendars)

/** What was right at some time may make no sense any more. @throws FoliotError `validation_failed` */
export function assertToCome(rule: CompiledRule, wanted: WantedSchedule, nowMs: number): void {
  const { cron, everyMs, at, pausedUntil } = wanted
  if (pausedUntil !== undefined) assertPauseToCome('/pausedUntil', pausedUntil, nowMs)
  if (nextTick(rule, nowMs)) return
  const [name, value] = cron !== undefined ? ['cron', cron] : at !== undefined ? ['at', iso(at)] : ['everyMs', everyMs]
  const message = `expected \`${name}\` to be due at some time from now on (${iso(nowMs)}), got ${value}, which never is again`
  throw invalid('the schedule would never run', [{ path: `/${name}`, message }])
}

/** @throws FoliotError `validation_failed` */
export function assertPauseToCome(path: string, untilMs: number, nowMs: number): void {
  if (untilMs > nowMs) return
  const message = `expected a time to come (it is ${iso(nowMs)}), got ${iso(untilMs)}`
  throw invalid('the pause would be over', [{ path, message }])
}

const iso = (ms: number): string => new Date(ms).toISOString()

/** The type, if some worker has announced it. */
export async function findType(
  catalog: { find(name: string): Promise<JobType> },
  name: string,
): Promise<JobType | undefined> {
  try {
    return await catalog.find(name)
  } catch (error) {
    if (error instanceof FoliotError && error.code === 'unknown_job_type') return undefined
    throw error
  }
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> } & {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K]
}

/** What is left out is not there, rather than undefined. */
export const withoutUndefined = <T extends object>(value: T): Defined<T> =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Defined<T>
