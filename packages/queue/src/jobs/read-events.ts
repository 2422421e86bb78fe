import type { Redis } from 'ioredis'
import { tenantOf } from '../enqueue/envelope.ts'
import { jobKey } from '../keys.ts'
import { readTogether } from '../redis/read-together.ts'
import { eventStreamOf, type RawEvent, toRecord } from './event-feed.ts'
import { comparePositions } from './event-position.ts'
import type { JobRef } from './moves.ts'

/** Some events of a queue. */
export interface EventPart {
  /** Oldest first. */
  events: RawEvent[]
  /** Whether events before the first of these may be missing: the stream no longer has what stood there, or never had it. */
  isGap: boolean
  /** Whether the position lies behind the last event that there is. */
  isBeyond: boolean
}

/** What a reader may be told of a job by. */
export interface JobBrief {
  type: string
  tenant: string
}

type Entries = [id: string, fields: string[]][]

/** A stream that has fewer entries was never trimmed. */
const TRIMMED_FROM = 10_000

/** The events behind a position, up to `most` of them. One round trip. */
export async function readEventsAfter(redis: Redis, queue: string, after: string, most: number): Promise<EventPart> {
  const stream = eventStreamOf(queue)
  const reads = redis
    .pipeline()
    .xlen(stream)
    .xrange(stream, '-', '+', 'COUNT', 1)
    .xrevrange(stream, '+', '-', 'COUNT', 1)
    .xrange(stream, `(${after}`, '+', 'COUNT', most)
  const [length, [first], [last], entries] = await readTogether<[number, Entries, Entries, Entries]>(reads)
  const isBeyond = comparePositions(after, last?.[0] ?? '0-0') > 0
  const isAtStart = after === '0-0'
  const isTrimmed =
    first !== undefined && comparePositions(first[0], after) > 0 && (!isAtStart || length >= TRIMMED_FROM)
  return {
    events: entries.map(([id, fields]) => ({ queue, id, fields: toRecord(fields) })),
    isGap: isTrimmed || isBeyond,
    isBeyond,
  }
}

/** What jobs are, in order; undefined for one that is not in Redis. One round trip. */
export async function briefsOf(redis: Redis, refs: readonly JobRef[]): Promise<(JobBrief | undefined)[]> {
  const reads = redis.pipeline()
  for (const { queue, id } of refs) reads.hmget(jobKey(queue, id), 'name', 'env')
  const replies = (await reads.exec()) ?? []
  return refs.map((_, i) => {
    const [error, fields] = replies[i] ?? [new Error('Redis dropped the connection while jobs were read'), null]
    // A key that holds something else is no job.
    if (error && !error.message.startsWith('WRONGTYPE')) throw error
    const [type, env] = error ? [] : (fields as (string | null)[])
    return type == null ? undefined : { type, tenant: tenantOf(env) }
  })
}
