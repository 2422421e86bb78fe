import { type Job, type Schedule, scheduleKey, type UnfiredTick } from '@foliot/jobs'
import {
  type Catalog,
  HOMELESS_QUEUE,
  newestFirst,
  type Position,
  readHomes,
  readNewestUnfiredTicks,
  slotOf,
} from '@foliot/queue'
import type { Redis } from 'ioredis'
import type { JobReader } from '../job-reader.ts'
import type { ScheduleStore } from './schedule-store.ts'

export interface TickSources {
  redis: Redis
  catalog: Catalog
  jobs: JobReader
  schedules: ScheduleStore
}

interface Span {
  from?: number | undefined
  to?: number | undefined
}

/**
 * So many of a queue, of all its schedules, that wait for the history are looked through, the newest. A recorder takes them within
 * a second, so that there are seldom more; one that is not among them is missing until the history has it. Without a recorder that
 * is for good: the answer is then what is among these, and the docs say so.
 */
const UNRECORDED_MAX = 1000
/** Behind every job of its time. */
const LAST_ID = 'ffffffff-ffff-ffff-bfff-ffffffffffff'

/** What one tick, or several that follow each other, became. */
type Entry =
  | { position: Position; job: Job; tick?: undefined }
  | { position: Position; tick: UnfiredTick; job?: undefined }

/**
 * What became of the ticks of a schedule, the newest first: of those that fired by when their jobs were made, of the others by
 * when they were planned.
 */
export async function listTicks(
  schedule: Schedule,
  { from, to, limit, after }: Span & { limit: number; after: Position | undefined },
  sources: TickSources,
) {
  const { catalog, jobs, schedules } = sources
  const { tenant, id: scheduleId } = schedule
  const span = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) }
  const before = after?.at
  // First those of Redis: what is recorded meanwhile is then met twice, and not missed.
  const waiting = await readUnrecorded(schedule, sources)
  const [recorded, fired] = await Promise.all([
    schedules.ticks({ tenant, scheduleId, ...span, ...(before !== undefined && { before }) }, limit),
    catalog.refresh().then(() => jobs.list({ queues: catalog.queues, tenant, scheduleId, ...span }, limit, after)),
  ])
  const endsBefore = Math.min(to ?? Number.POSITIVE_INFINITY, before ?? Number.POSITIVE_INFINITY)
  const wanted = waiting.filter(({ scheduledFor, until }) => until >= (from ?? 0) && scheduledFor < endsBefore)
  const unfired = new Map([...recorded, ...wanted].map((tick) => [tick.scheduledFor, tick]))
  const entries: Entry[] = [
    ...fired.items.map((job) => ({ position: { at: Date.parse(job.createdAt), id: job.id }, job })),
    ...Array.from(unfired.values(), (tick) => ({ position: { at: tick.scheduledFor, id: LAST_ID }, tick })),
  ]
  // Behind the end of either there may be more of it.
  const ends = [
    ...(fired.next ? [fired.next] : []),
    ...(recorded.length === limit ? [{ at: recorded.at(-1)?.scheduledFor as number, id: LAST_ID }] : []),
  ]
  const end = ends.sort(newestFirst)[0]
  const within = entries.filter(({ position }) => !end || newestFirst(position, end) <= 0)
  within.sort((a, b) => newestFirst(a.position, b.position))
  const items = within.slice(0, limit)
  return {
    items: items.map((entry) => (entry.job ? ofJob(entry.job, schedule) : ofUnfired(entry.tick))),
    next: within.length > limit ? items.at(-1)?.position : end,
  }
}

/** Those that the history does not have yet. */
async function readUnrecorded(schedule: Schedule, { redis, catalog }: TickSources): Promise<UnfiredTick[]> {
  const key = scheduleKey(schedule)
  const [home] = await readHomes(redis, slotOf(key), [key])
  const queue = home?.queue ?? catalog.types.find(({ name }) => name === schedule.type)?.queue ?? HOMELESS_QUEUE
  const found = await readNewestUnfiredTicks(redis, queue, UNRECORDED_MAX)
  const ours = found.filter(({ tick }) => scheduleKey({ tenant: tick.tenant, id: tick.scheduleId }) === key)
  // Of two records of one tick the later one counts, which comes first.
  return ours.map(({ tick }) => tick).toReversed()
}

function ofJob(job: Job, { lateAfterMs }: Schedule) {
  const { id, status, scheduledFor, latenessMs, createdAt } = job
  return {
    scheduledFor: scheduledFor ?? createdAt,
    outcome: latenessMs !== undefined && latenessMs > lateAfterMs ? ('late' as const) : ('fired' as const),
    ...(latenessMs !== undefined && { latenessMs }),
    jobId: id,
    jobStatus: status,
  }
}

const ofUnfired = ({ scheduledFor, outcome, reason, until, count }: UnfiredTick) => ({
  scheduledFor: iso(scheduledFor),
  outcome,
  reason,
  ...(count !== 1 && { until: iso(until), count }),
})

const iso = (ms: number): string => new Date(ms).toISOString()
