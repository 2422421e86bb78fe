import type { UnfiredTick } from '@foliot/jobs'
import type { Calendar } from '@foliot/schedules'
import { type ExpectedTick, expectedTicks, type TickEnd } from './expected-ticks.ts'
import type { ScheduleRecord } from './ledger.ts'

/** A job that a tick made. Instants are in ms since 1970. */
export interface TickMade {
  id: string
  scheduleId: string
  scheduledFor: number
  /** Undefined if the history does not have it. */
  createdAt: number | undefined
  /** How often its first attempt began: more than once if it was made again after it had ended. */
  begun: number
}

/** What became of ticks, by what the platform has written down. */
export interface Decided {
  made: readonly TickMade[]
  unfired: readonly Pick<UnfiredTick, 'scheduleId' | 'scheduledFor' | 'until' | 'outcome' | 'reason'>[]
}

/** What must never come of a tick. */
export interface TickProblem {
  kind: 'lost' | 'doubled' | 'wrong'
  scheduleId: string
  /** RFC 3339. */
  scheduledFor: string
  why: string
}

export interface TickVerdict {
  /** Ticks that had to be decided: all of them fired, were skipped, or are lost. */
  expected: number
  fired: number
  skipped: number
  /** Skipped ones by why. */
  reasons: ReadonlyMap<string, number>
  /** Of ticks that were decided by what the schedule was before: how long after the answer to the edit they were due, in ms. */
  stale: number[]
  problems: TickProblem[]
}

/** Judges every tick of every schedule by what was written down of it. */
export function judgeTicks(
  records: readonly ScheduleRecord[],
  { made, unfired }: Decided,
  calendars: ReadonlyMap<string, Calendar>,
): TickVerdict {
  const jobs = Map.groupBy(made, ({ scheduleId }) => scheduleId)
  const skips = Map.groupBy(unfired, ({ scheduleId }) => scheduleId)
  const verdict = { expected: 0, fired: 0, skipped: 0, reasons: new Map<string, number>(), stale: [], problems: [] }
  for (const record of records) {
    const { id } = record
    judgeSchedule(verdict, id, expectedTicks(record, calendars), jobs.get(id) ?? [], skips.get(id) ?? [])
  }
  return verdict
}

interface Ends {
  jobs: TickMade[]
  skips: Decided['unfired'][number][]
}

function judgeSchedule(
  verdict: Omit<TickVerdict, 'reasons'> & { reasons: Map<string, number> },
  scheduleId: string,
  expected: ReadonlyMap<number, ExpectedTick>,
  jobs: readonly TickMade[],
  skips: Decided['unfired'],
): void {
  const tell = (kind: TickProblem['kind'], nominal: number, why: string): void => {
    verdict.problems.push({ kind, scheduleId, scheduledFor: new Date(nominal).toISOString(), why })
  }
  const ends = new Map<number, Ends>()
  const decidedAt = (nominal: number): Ends => {
    const known = ends.get(nominal) ?? { jobs: [], skips: [] }
    ends.set(nominal, known)
    return known
  }
  for (const job of jobs) decidedAt(job.scheduledFor).jobs.push(job)
  // Also an instant that is no tick: a job of it in the midst of skipped ones was decided twice.
  const instants = [...new Set([...expected.keys(), ...ends.keys()])].sort((a, b) => a - b)
  for (const skip of skips) {
    for (let i = firstFrom(instants, skip.scheduledFor); (instants[i] as number) <= skip.until; i += 1)
      decidedAt(instants[i] as number).skips.push(skip)
  }
  for (const nominal of instants) {
    const { jobs, skips } = ends.get(nominal) ?? { jobs: [], skips: [] }
    const tick = expected.get(nominal)
    const twice = whyTwice(jobs, skips)
    if (twice) tell('doubled', nominal, twice)
    for (const why of whyWrong(tick, jobs, skips)) tell('wrong', nominal, why)
    const staleMs = Math.max(
      0,
      ...(jobs.length > 0 ? ['fire' as const] : skips.map(endOf)).map((end) => tick?.may.get(end as TickEnd) ?? 0),
    )
    if (staleMs > 0) verdict.stale.push(staleMs)
    if (!tick?.must) continue
    verdict.expected += 1
    if (jobs.length > 0) verdict.fired += 1
    else if (skips[0]) {
      verdict.skipped += 1
      const end = endOf(skips[0])
      verdict.reasons.set(end, (verdict.reasons.get(end) ?? 0) + 1)
    } else tell('lost', nominal, `has no job and no record; it may end as ${endsOf(tick)}`)
  }
}

/** The index of the first that is not before. */
function firstFrom(sorted: readonly number[], from: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as number) < from) low = middle + 1
    else high = middle
  }
  return low
}

function whyTwice(jobs: Ends['jobs'], skips: Ends['skips']): string | undefined {
  const again = jobs.find(({ begun }) => begun > 1)
  if (again) return `its job ${again.id} was begun ${again.begun} times as if for the first time`
  if (jobs.length + skips.length < 2) return undefined
  return `has ${[...jobs.map(({ id }) => `the job ${id}`), ...skips.map(textOf)].join(' and ')}`
}

function whyWrong(tick: ExpectedTick | undefined, jobs: Ends['jobs'], skips: Ends['skips']): string[] {
  if (!tick) return jobs.map(({ id }) => `no version of it is due then, and there is the job ${id}`)
  const may = `it may end as ${endsOf(tick)}`
  return [
    ...(jobs[0] && !tick.may.has('fire') ? [`has the job ${jobs[0].id}: ${may}`] : []),
    ...skips
      .filter((skip) => !tick.may.has(endOf(skip) as TickEnd) && (tick.must || isOf(skip, tick)))
      .map((skip) => `has ${textOf(skip)}: ${may}`),
  ]
}

/** Whether a record is certainly of a tick: of others in the midst of it, it may be of the ticks of another version. */
const isOf = ({ scheduledFor, until }: Ends['skips'][number], { nominal }: ExpectedTick): boolean =>
  nominal === scheduledFor || nominal === until

const endsOf = ({ may }: ExpectedTick): string => [...may.keys()].join(', ')

const textOf = ({ outcome, reason }: Ends['skips'][number]): string => `the record “${outcome}: ${reason}”`

function endOf({ outcome, reason }: Ends['skips'][number]): TickEnd | 'other' {
  if (outcome === 'missed') return 'late'
  if (reason.startsWith('paused')) return 'pause'
  if (reason.startsWith('excluded by')) return 'calendar'
  return reason.startsWith('the job of an earlier tick') ? 'overlap' : 'other'
}
