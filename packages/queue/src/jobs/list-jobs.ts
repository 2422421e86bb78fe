import { createHash } from 'node:crypto'
import { FoliotError, type Job, type JobStatus, STATUSES } from '@foliot/jobs'
import type { Redis } from 'ioredis'
import { readStoredJob, toJob } from './job-hash.ts'
import { type Place, readIds } from './places.ts'

/**
 * Lists jobs from BullMQ's own lists and sets: there is no index. Finished jobs come newest first; the lists of live
 * jobs move while they are read, so a job may be met twice or missed between two pages.
 */

export interface JobFilter {
  queues: readonly string[]
  /** Default: all. */
  statuses?: readonly JobStatus[]
  /** Only failed and timed out ones that nobody discarded. */
  deadLetters?: boolean
  type?: string
  label?: { key: string; value: string }
  errorKind?: string
  /** Of the last failure. */
  fingerprint?: string
  /** Only these jobs. */
  ids?: ReadonlySet<string>
  /** Made (live) or finished at or after, in ms since 1970. */
  from?: number
  /** Made (live) or finished before, in ms since 1970. */
  to?: number
}

export interface JobPage {
  items: Job[]
  /** Undefined on the last page. */
  nextCursor: string | undefined
}

/** A place where BullMQ keeps jobs, read from its newest end. */
interface Source {
  queue: string
  place: Place
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
const CHUNK = 100

/**
 * One page of jobs. Pages may be shorter than `limit`; the list has ended when there is no `nextCursor`.
 *
 * @throws FoliotError `validation_failed` for a cursor that was not given by a list with this filter.
 */
export async function listJobs(redis: Redis, filter: JobFilter, limit: number, cursor?: string): Promise<JobPage> {
  // In one order, whatever the filter's: the offsets of a cursor stand in that of the sources.
  const statuses = STATUSES.filter((status) => filter.statuses?.includes(status) ?? true)
  const wanted = new Set(statuses)
  const places = filter.deadLetters
    ? ['failed' as const]
    : new Set(statuses.flatMap((status) => PLACES_OF_STATUS[status]))
  const sources = filter.queues.flatMap((queue) => [...places].map((place) => ({ queue, place })))
  const digest = digestOf({ ...filter, statuses })
  const offsets = cursor === undefined ? sources.map(() => 0) : readCursor(cursor, digest, sources.length)
  const matches = (job: Job): boolean => wanted.has(job.status) && matchesFilter(job, filter)

  // A page takes at most `limit` of any source, unless a filter passes over some.
  const chunk = Math.min(limit, CHUNK)
  const streams = sources.map((source, i) => new SourceStream(redis, source, offsets[i] as number, chunk))
  const items: Job[] = []
  let scanned = 0
  while (items.length < limit && scanned < SCAN_LIMIT) {
    await Promise.all(streams.map((stream) => stream.fill()))
    const newest = pickNewest(streams)
    if (!newest) return { items, nextCursor: undefined }
    const job = newest.take()
    scanned++
    if (matches(job)) items.push(job)
  }
  await Promise.all(streams.map((stream) => stream.fill()))
  if (streams.every((stream) => stream.head === undefined)) return { items, nextCursor: undefined }
  const reached = streams.map((stream) => stream.offset)
  return { items, nextCursor: writeCursor(digest, reached) }
}

/** Whether a job fits everything in the filter but its status. */
function matchesFilter(job: Job, { type, label, errorKind, fingerprint, ids, from, to }: JobFilter): boolean {
  const at = orderOf(job)
  return (
    (ids === undefined || ids.has(job.id)) &&
    (type === undefined || job.type === type) &&
    (label === undefined || job.labels[label.key] === label.value) &&
    (errorKind === undefined || job.error?.kind === errorKind) &&
    (fingerprint === undefined || job.error?.fingerprint === fingerprint) &&
    (from === undefined || at >= from) &&
    (to === undefined || at < to)
  )
}

const orderOf = (job: Job): number => Date.parse(job.finishedAt ?? job.createdAt)

function pickNewest(streams: SourceStream[]): SourceStream | undefined {
  let newest: SourceStream | undefined
  for (const stream of streams) {
    if (stream.head && (!newest?.head || orderOf(stream.head) > orderOf(newest.head))) newest = stream
  }
  return newest
}

/** Reads one source in chunks, and knows how far the caller has come. */
class SourceStream {
  readonly #redis: Redis
  readonly #source: Source
  #buffer: { job: Job | undefined }[] = []
  #ended = false
  #chunk: number
  offset: number

  constructor(redis: Redis, source: Source, offset: number, chunk: number) {
    this.#redis = redis
    this.#source = source
    this.offset = offset
    this.#chunk = chunk
  }

  get head(): Job | undefined {
    return this.#buffer[0]?.job
  }

  take(): Job {
    this.offset++
    return this.#buffer.shift()?.job as Job
  }

  /** Makes `head` the next job, if there is one. Ids whose hash is gone are passed over. */
  async fill(): Promise<void> {
    for (;;) {
      while (this.#buffer.length > 0 && !this.head) {
        this.#buffer.shift()
        this.offset++
      }
      if (this.#buffer.length > 0 || this.#ended) return
      const ids = await readIds(this.#redis, this.#source.queue, this.#source.place, this.offset, this.#chunk)
      this.#ended = ids.length < this.#chunk
      this.#chunk = CHUNK
      const stored = await Promise.all(ids.map((id) => readStoredJob(this.#redis, this.#source.queue, id)))
      this.#buffer = stored.map((job) => ({ job: job && toJob(job) }))
      if (ids.length === 0) return
    }
  }
}

/** Tells filters apart. It need not be kept from forgers: a made-up cursor shows nothing that the list would not. */
function digestOf(filter: JobFilter): string {
  const { queues, statuses, deadLetters, type, label, errorKind, fingerprint, ids, from, to } = filter
  const kind = [type, label?.key, label?.value, errorKind, fingerprint]
  const parts = [queues, statuses, deadLetters === true, kind, ids && [...ids].sort(), from, to]
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 12)
}

/** How far a list has come in each of its sources, and which list that is. */
const writeCursor = (digest: string, offsets: readonly number[]): string =>
  Buffer.from(JSON.stringify([digest, ...offsets])).toString('base64url')

function readCursor(cursor: string, digest: string, sources: number): number[] {
  const offsets = parseOffsets(cursor)
  if (
    offsets?.length === sources &&
    offsets.every((n) => Number.isSafeInteger(n) && n >= 0) &&
    // Lenient readers take one cursor in many spellings, and offsets may be another list's: ours is this one text.
    writeCursor(digest, offsets) === cursor
  ) {
    return offsets
  }
  throw new FoliotError('validation_failed', 'expected a cursor that this list gave, got another text', {
    errors: [{ path: '/cursor', message: 'not a cursor of this list' }],
    hint: 'pass `nextCursor` of the page before unchanged, with the same filter; if a queue has come or gone, begin again',
  })
}

/** What follows the digest. Undefined for what is no list. */
function parseOffsets(cursor: string): number[] | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    return Array.isArray(value) ? value.slice(1) : undefined
  } catch {
    return undefined
  }
}
