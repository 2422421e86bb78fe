import type { Redis } from 'ioredis'
import { countPlaces } from '../jobs/places.ts'
import { sweepQueue } from '../jobs/sweep.ts'
import {
  openJobsKey,
  queuesKey,
  takenKey,
  takenOfKey,
  tickFencesKey,
  ticksKey,
  unfiredTicksKey,
  unkeptDeadKey,
} from '../keys.ts'
import { runScript } from '../redis/scripts.ts'
import { FORGET_AFTER_MS } from './catalog.ts'

/**
 * Drops the queues that nobody announced for a week and in which no job is left, as of job types that moved to another
 * queue. Nobody serves these, so their finished jobs that are past their time are removed here.
 *
 * @returns names of the queues that were dropped
 */
export async function forgetQueues(redis: Redis): Promise<string[]> {
  const [seconds] = await redis.time()
  const until = Number(seconds) * 1000 - FORGET_AFTER_MS
  const found = await redis.zrangebyscore(queuesKey, 0, until, 'WITHSCORES')
  const dropped: string[] = []
  for (let i = 0; i < found.length; i += 2) {
    const [queue, announcedAt] = found.slice(i, i + 2) as [string, string]
    await sweepQueue(redis, queue)
    // Its jobs may lie elsewhere in a cluster than the list of queues: no script could look at both.
    const counts = await countPlaces(redis, queue)
    if (Object.values(counts).some((count) => count > 0)) continue
    // It knows which ticks of schedules were decided whose type was in it.
    if ((await redis.hlen(ticksKey(queue))) > 0) continue
    if ((await runScript(redis, 'forgetQueue', [queuesKey], [queue, announcedAt])) !== 1) continue
    const counters = [takenKey(queue), takenOfKey(queue)]
    const kept = [...counters, tickFencesKey(queue), unfiredTicksKey(queue), unkeptDeadKey(queue)]
    await redis.del(...kept, ...(await openSetsOf(redis, queue)))
    dropped.push(queue)
  }
  return dropped
}

/** Those that hold jobs which were deleted by hand: of others the last one has left, and there is no set. */
async function openSetsOf(redis: Redis, queue: string): Promise<string[]> {
  const found: string[] = []
  for (let cursor = ''; cursor !== '0'; ) {
    const [next, keys] = await redis.scan(cursor || '0', 'MATCH', openJobsKey(queue, '*'), 'COUNT', 1000)
    found.push(...keys)
    cursor = next
  }
  return found
}
