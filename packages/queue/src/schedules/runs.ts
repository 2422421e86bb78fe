import type { Redis } from 'ioredis'
import { jobKey, tickJobsBase } from '../keys.ts'
import { readTogether } from '../redis/read-together.ts'

/** How far the job of a tick has come. */
export interface Run {
  /** In ms since 1970. */
  madeAt: number
  isStarted: boolean
  hasEnded: boolean
}

/** Jobs of a queue, in order; undefined for one that is not in Redis, or no more. One round trip. */
export async function readRuns(redis: Redis, queue: string, ids: readonly string[]): Promise<(Run | undefined)[]> {
  if (ids.length === 0) return []
  const reads = redis.pipeline()
  for (const id of ids) reads.hmget(jobKey(queue, id), 'timestamp', 'processedOn', 'finishedOn')
  const replies = await readTogether<(string | null)[][]>(reads)
  return replies.map(([madeAt, startedAt, endedAt]) =>
    madeAt == null ? undefined : { madeAt: Number(madeAt), isStarted: startedAt != null, hasEnded: endedAt != null },
  )
}

/**
 * Ids of jobs of schedules that may not have ended, for those whose ticks heed each other. One round trip.
 *
 * @param keys of schedules, see `scheduleKey`
 */
export async function readOpenRuns(redis: Redis, queue: string, keys: readonly string[]): Promise<string[][]> {
  if (keys.length === 0) return []
  const reads = redis.pipeline()
  for (const key of keys) reads.smembers(tickJobsBase(queue) + key)
  return readTogether<string[][]>(reads)
}
