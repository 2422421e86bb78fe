import { type Job, type JobStatus, STATUSES } from '@foliot/jobs'
import type { Redis } from 'ioredis'
import { bullKeys, indexKey, logsKey, unkeptDeadKey, unkeptKey, unrecordedKey } from '../keys.ts'
import { readTogether } from '../redis/read-together.ts'
import { type JobFilter, matchesFilter } from './job-filter.ts'
import { readStoredJob, toJob } from './job-hash.ts'
import { type Candidate, type JobSearch, matchesSearch } from './job-search.ts'
import type { JobRef } from './moves.ts'
import type { Place } from './places.ts'
import { newestFirst, type Position, toPositions } from './position.ts'

/**
 * Lists the jobs that are in Redis. Jobs stand in the order in which they were made, whatever becomes of them meanwhile, so
 * that none is met twice or missed between two pages; dead letters in the order in which they died. Jobs that plain BullMQ
 * added are in no index: they are met as dead letters, and where few jobs have the statuses that are asked for.
 */

export interface JobPage {
  /** Newest first. */
  items: Job[]
  /** How far the page goes, if there may be more. It may go further than its last item. */
  next: Position | undefined
}

const PLACES_OF_STATUS: Record<JobStatus, Place[]> = {
  queued: ['wait', 'prioritized'],
  running: ['active'],
  scheduled: ['delayed'],
  retrying: ['delayed'],
  succeeded: ['completed'],
  cancelled: ['completed'],
  // A discarded dead letter has gone to `completed`.
  failed: ['failed', 'completed'],
  timed_out: ['failed', 'completed'],
}

/** How many jobs one call reads at most: a filter that matches little gives short pages, never a blocked Redis. */
const SCAN_LIMIT = 10_000
/** So many jobs are rather all read where they are than looked for among the others. */
const FEW = 1000
const CHUNK = 100

/**
 * One page of jobs, by when they were made. Pages may be shorter than `limit`; the list has ended when there is no `next`.
 *
 * @param where whether there is a history: then those that it has as they are may be left out
 */
export async function listJobs(
  redis: Redis,
  search: JobSearch,
  limit: number,
  after?: Position,
  where: 'all' | 'not in history' = 'all',
): Promise<JobPage> {
  const fits = fitsSearch(search)
  const reader = readerOf(redis, search.q !== undefined)
  const few = search.statuses && (await readFew(redis, reader, search.queues, search.statuses, where))
  const source = (queue: string) => new Source(redis, reader, queue, indexKey(queue), spanOf(search, after))
  return few ? pageOf(few, search, fits, limit, after) : readPage(search.queues.map(source), fits, limit)
}

/** Those of these jobs that fit the search, as they are now. */
export async function readFitting(redis: Redis, jobs: readonly JobRef[], search: JobSearch): Promise<Job[]> {
  const read = readerOf(redis, search.q !== undefined)
  const found = await Promise.all(jobs.map(({ queue, id }) => read(queue, id)))
  return found.flatMap((candidate) => (candidate && fitsSearch(search)(candidate) ? [candidate.job] : []))
}

const fitsSearch = (search: JobSearch) => {
  const wanted = new Set(search.statuses ?? STATUSES)
  return (found: Candidate): boolean => wanted.has(found.job.status) && matchesSearch(found, search)
}

/** One page of dead letters, by when they died, in the same manner. */
export function listDeadLetters(redis: Redis, filter: JobFilter, limit: number, after?: Position): Promise<JobPage> {
  const reader = readerOf(redis, false)
  const source = (queue: string) => new Source(redis, reader, queue, bullKeys(queue).failed, spanOf(filter, after))
  return readPage(filter.queues.map(source), ({ job }) => matchesFilter(job, filter), limit)
}

type Reader = (queue: string, id: string) => Promise<Candidate | undefined>

/** Reads jobs, with their logs or without. */
const readerOf =
  (redis: Redis, withLog: boolean): Reader =>
  async (queue, id) => {
    const stored = await readStoredJob(redis, queue, id)
    return stored && { stored, job: toJob(stored), log: withLog ? await redis.lrange(logsKey(queue, id), 0, -1) : [] }
  }

/** Which part of an order is meant. */
interface Span {
  /** Not before. */
  from: number
  /** Only what comes behind it, going back in time. */
  after: Position
}

function spanOf({ from = 0, to }: JobFilter, after?: Position): Span {
  // No id is less than '', so nothing of that millisecond is behind it.
  const end = { at: to ?? Number.MAX_SAFE_INTEGER, id: '' }
  return { from, after: after !== undefined && newestFirst(end, after) < 0 ? after : end }
}

/** All jobs in the places of these statuses, unless they are many. */
async function readFew(
  redis: Redis,
  read: Reader,
  queues: readonly string[],
  statuses: readonly JobStatus[],
  where: 'all' | 'not in history',
): Promise<Candidate[] | undefined> {
  const places = [...new Set(statuses.flatMap((status) => PLACES_OF_STATUS[status]))]
  const parts = queues.flatMap((queue) => places.flatMap((place) => partsOf(queue, place, where)))
  const sizes = redis.pipeline()
  for (const { key, isList } of parts) isList ? sizes.llen(key) : sizes.zcard(key)
  const total = (await readTogether<number[]>(sizes)).reduce((sum, size) => sum + size, 0)
  if (total > FEW) return undefined
  const lists = redis.pipeline()
  for (const { key, isList } of parts) isList ? lists.lrange(key, 0, FEW) : lists.zrange(key, '0', String(FEW))
  const ids = total === 0 ? [] : await readTogether<string[][]>(lists)
  const found = await Promise.all(ids.flatMap((of, i) => of.map((id) => read(parts[i]?.queue as string, id))))
  // One that moves meanwhile may be met in two places.
  const byId = new Map(found.flatMap((candidate) => (candidate ? [[candidate.job.id, candidate]] : [])))
  return [...byId.values()]
}

function partsOf(queue: string, place: Place, where: 'all' | 'not in history') {
  const keys = [bullKeys(queue)[place]]
  // Finished jobs that no history keeps are in no place of BullMQ's.
  if (place === 'completed') keys.push(unkeptKey(queue))
  if (place === 'failed' && where === 'not in history') keys.splice(0, 1, unrecordedKey(queue), unkeptDeadKey(queue))
  return keys.map((key) => ({ queue, key, isList: place === 'wait' || place === 'active' }))
}

const positionOf = ({ id, createdAt }: Job): Position => ({ at: Date.parse(createdAt), id })

function pageOf(
  found: readonly Candidate[],
  filter: JobFilter,
  fits: (found: Candidate) => boolean,
  limit: number,
  after?: Position,
): JobPage {
  const span = spanOf(filter, after)
  const inSpan = (at: Position): boolean => at.at >= span.from && newestFirst(span.after, at) < 0
  const left = found
    .filter((candidate) => fits(candidate) && inSpan(positionOf(candidate.job)))
    .map(({ job }) => job)
    .sort((a, b) => newestFirst(positionOf(a), positionOf(b)))
  const items = left.slice(0, limit)
  const last = items.at(-1)
  return { items, next: last && left.length > limit ? positionOf(last) : undefined }
}

async function readPage(sources: Source[], fits: (found: Candidate) => boolean, limit: number): Promise<JobPage> {
  const items: Job[] = []
  let reached: Position | undefined
  for (let scanned = 0; items.length < limit && scanned < SCAN_LIMIT; scanned++) {
    await Promise.all(sources.map((source) => source.fill(limit)))
    const newest = newestOf(sources)
    if (!newest) return { items, next: undefined }
    const { found, ...position } = newest.take()
    if (fits(found)) items.push(found.job)
    reached = position
  }
  await Promise.all(sources.map((source) => source.fill(1)))
  return { items, next: newestOf(sources) && reached }
}

function newestOf(sources: readonly Source[]): Source | undefined {
  let newest: Source | undefined
  for (const source of sources) {
    if (source.head && (!newest?.head || newestFirst(source.head, newest.head) < 0)) newest = source
  }
  return newest
}

interface Listed extends Position {
  found: Candidate
}

/** The jobs of one queue in the order of a ZSET, read in chunks. */
class Source {
  readonly #redis: Redis
  readonly #read: Reader
  readonly #queue: string
  readonly #key: string
  readonly #from: number
  #after: Position
  #buffer: Listed[] = []
  #ended = false

  constructor(redis: Redis, read: Reader, queue: string, key: string, { from, after }: Span) {
    this.#redis = redis
    this.#read = read
    this.#queue = queue
    this.#key = key
    this.#from = from
    this.#after = after
  }

  get head(): Listed | undefined {
    return this.#buffer[0]
  }

  take(): Listed {
    return this.#buffer.shift() as Listed
  }

  /** Makes `head` the next job, if there is one. Entries whose job is gone are passed over. */
  async fill(most: number): Promise<void> {
    while (this.#buffer.length === 0 && !this.#ended) {
      const positions = await this.#readNext(Math.min(most, CHUNK))
      const read = await Promise.all(positions.map(({ id }) => this.#read(this.#queue, id)))
      const gone = positions.filter((_, i) => read[i] === undefined)
      if (this.#key === indexKey(this.#queue) && gone.length > 0) {
        await this.#redis.zrem(this.#key, ...gone.map(({ id }) => id))
      }
      this.#buffer = positions.flatMap((position, i) => (read[i] ? [{ ...position, found: read[i] }] : []))
    }
  }

  async #readNext(count: number): Promise<Position[]> {
    // Those of the same millisecond that come before are read again. There may be more of them than fit.
    for (let most = count; ; most *= 4) {
      const { at } = this.#after
      const flat = await this.#redis.zrevrangebyscore(this.#key, at, this.#from, 'WITHSCORES', 'LIMIT', 0, most)
      const next = toPositions(flat).filter((position) => newestFirst(this.#after, position) < 0)
      const isLast = flat.length < 2 * most
      if (next.length === 0 && !isLast) continue
      this.#ended = isLast
      this.#after = next.at(-1) ?? this.#after
      return next
    }
  }
}
