import type { Job } from '@foliot/jobs'
import type { Redis } from 'ioredis'
import { bullKeys } from '../keys.ts'
import { readTogether } from '../redis/read-together.ts'
import { readStoredJob, toJob } from './job-hash.ts'

/** Where BullMQ keeps jobs, for boards that show a queue as BullMQ sees it. */
export const PLACES = ['wait', 'prioritized', 'active', 'delayed', 'completed', 'failed'] as const

export type Place = (typeof PLACES)[number]

/** How many jobs are in each place of a queue. One round trip. */
export async function countPlaces(redis: Redis, queue: string): Promise<Record<Place, number>> {
  const k = bullKeys(queue)
  const reads = redis
    .pipeline()
    .llen(k.wait)
    .zcard(k.prioritized)
    .llen(k.active)
    .zcard(k.delayed)
    .zcard(k.completed)
    .zcard(k.failed)
  const counts = await readTogether<number[]>(reads)
  return Object.fromEntries(PLACES.map((place, i) => [place, counts[i]])) as Record<Place, number>
}

/** `count` jobs of one place, newest first, from number `offset`. Jobs that were removed meanwhile are passed over. */
export async function listPlace(
  redis: Redis,
  queue: string,
  place: Place,
  { offset, count }: { offset: number; count: number },
): Promise<Job[]> {
  const ids = await readIds(redis, queue, place, offset, count)
  const stored = await Promise.all(ids.map((id) => readStoredJob(redis, queue, id)))
  return stored.flatMap((job) => (job ? [toJob(job)] : []))
}

/** Ids of `count` jobs of one place, newest first, from number `offset`. */
function readIds(redis: Redis, queue: string, place: Place, offset: number, count: number): Promise<string[]> {
  const key = bullKeys(queue)[place]
  const end = offset + count - 1
  return place === 'wait' || place === 'active' ? redis.lrange(key, offset, end) : redis.zrevrange(key, offset, end)
}
