import { randomUUID } from 'node:crypto'
import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { readStoredJob } from '../jobs/job-hash.ts'
import { bullKeys, bullName, catalogRevisionKey, depthLimitsKey, PREFIX, takenKey, unkeptKey } from '../keys.ts'
import { readTogether } from '../redis/read-together.ts'

/** A queue as the REST API shows it. */
export interface QueueInfo {
  name: string
  paused: boolean
  counts: QueueCounts
  /** How long the job that is next has been waiting, in ms; null if none waits. */
  oldestAgeMs: number | null
  limits: QueueLimits
}

export interface QueueCounts {
  queued: number
  running: number
  /** Waiting for their time: `scheduled` and `retrying`. */
  scheduled: number
  /**
   * Finished ones: `succeeded` and `cancelled`, and dead letters that were discarded. All that a history ever took, and those
   * that are in Redis.
   */
  succeeded: number
  /** Dead letters: `failed` and `timed_out`. */
  failed: number
}

/** Limits of a queue; null is none. The first two hold over all its workers, from the next job on. */
export interface QueueLimits {
  concurrency: number | null
  rateLimit: { max: number; perMs: number } | null
  /** How many jobs may wait, for their time or their turn, before it takes no more. Callers who enqueue see to it. */
  maxDepth: number | null
}

export async function readQueue(redis: Redis, name: string): Promise<QueueInfo> {
  const k = bullKeys(name)
  const reads = redis
    .pipeline()
    .llen(k.wait)
    .zcard(k.prioritized)
    .llen(k.active)
    .zcard(k.delayed)
    .zcard(k.completed)
    .zcard(k.failed)
    .hmget(k.meta, 'paused', 'concurrency', 'max', 'duration')
    .lindex(k.wait, -1)
    .zrange(k.prioritized, '0', '0')
    .hget(depthLimitsKey, name)
    .get(takenKey(name))
    .zcard(unkeptKey(name))
  const [
    wait,
    prioritized,
    active,
    delayed,
    completed,
    failed,
    meta,
    nextWaiting,
    nextPrioritized,
    maxDepth,
    taken,
    unkept,
  ] =
    await readTogether<
      [
        number,
        number,
        number,
        number,
        number,
        number,
        (string | null)[],
        string | null,
        string[],
        string | null,
        string | null,
        number,
      ]
    >(reads)
  const [paused, concurrency, max, duration] = meta
  const next = [nextWaiting, nextPrioritized[0]].flatMap((id) => id ?? [])
  const stored = await Promise.all(next.map((id) => readStoredJob(redis, name, id)))
  const oldest = Math.min(...stored.flatMap((job) => Number(job?.fields.timestamp) || []))
  return {
    name,
    paused: paused != null,
    counts: {
      queued: wait + prioritized,
      running: active,
      scheduled: delayed,
      succeeded: completed + unkept + Number(taken ?? 0),
      failed,
    },
    oldestAgeMs: Number.isFinite(oldest) ? Math.max(0, Date.now() - oldest) : null,
    limits: {
      concurrency: concurrency == null ? null : Number(concurrency),
      rateLimit: max == null || duration == null ? null : { max: Number(max), perMs: Number(duration) },
      maxDepth: maxDepth == null ? null : Number(maxDepth),
    },
  }
}

export const pauseQueue = (redis: Redis, name: string): Promise<void> =>
  withQueue(redis, name, (queue) => queue.pause())

export const resumeQueue = (redis: Redis, name: string): Promise<void> =>
  withQueue(redis, name, (queue) => queue.resume())

/**
 * Changes the limits that are given; null lifts one. Those of workers hold from the next job on, without a restart; the
 * depth for whoever enqueues with a catalog that has been refreshed since.
 */
export async function limitQueue(redis: Redis, name: string, limits: Partial<QueueLimits>): Promise<void> {
  const { concurrency, rateLimit, maxDepth } = limits
  if (concurrency !== undefined || rateLimit !== undefined) await limitWorkers(redis, name, limits)
  if (maxDepth !== undefined) await limitDepth(redis, name, maxDepth)
}

async function limitWorkers(
  redis: Redis,
  name: string,
  { concurrency, rateLimit }: Partial<QueueLimits>,
): Promise<void> {
  await withQueue(redis, name, async (queue) => {
    if (concurrency === null) await queue.removeGlobalConcurrency()
    else if (concurrency !== undefined) await queue.setGlobalConcurrency(concurrency)
    if (rateLimit === null) {
      await queue.removeGlobalRateLimit()
      await queue.removeRateLimitKey()
    } else if (rateLimit !== undefined) await queue.setGlobalRateLimit(rateLimit.max, rateLimit.perMs)
  })
  // Sleeping workers would feel a raised limit only after their `drainDelay`.
  const k = bullKeys(name)
  if ((await redis.hexists(k.meta, 'paused')) === 0) await redis.zadd(k.marker, 0, '0')
}

/** With a new revision, so that catalogs see it. They pass it on with each job: the add script has nothing to look up. */
async function limitDepth(redis: Redis, name: string, maxDepth: number | null): Promise<void> {
  const change = redis.multi().set(catalogRevisionKey, randomUUID())
  await (maxDepth === null ? change.hdel(depthLimitsKey, name) : change.hset(depthLimitsKey, name, maxDepth)).exec()
}

/** `skipMetasUpdate`: a plain Queue writes its own settings over the queue's by being opened. */
export const openBullQueue = (redis: Redis, name: string): Queue =>
  new Queue(bullName(name), { connection: redis, prefix: PREFIX, skipMetasUpdate: true })

async function withQueue(redis: Redis, name: string, use: (queue: Queue) => Promise<unknown>): Promise<void> {
  const queue = openBullQueue(redis, name)
  // It reports trouble of the shared connection a second time; the caller of `use` hears of it anyway.
  queue.on('error', () => undefined)
  try {
    await use(queue)
  } finally {
    await queue.close()
  }
}
