import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { bullKeys, indexKey, sweepLeaseKey, unrecordedKey } from '../keys.ts'
import { isRecording } from '../outbox/recording.ts'
import { openBullQueue } from '../queues/queues.ts'
import { RETENTION } from './retention.ts'

export const SWEEP_EVERY_MS = 60_000
const BATCH = 1000

/**
 * Removes finished jobs that are past their time, or too many. BullMQ does so only when another job of the queue finishes,
 * so an idle queue would keep its last ones for ever. One process at a time does it; the others return 0. Where there is a
 * history, only dead letters go by their age.
 *
 * @returns how many jobs were removed
 */
export async function sweepQueue(redis: Redis, queue: string): Promise<number> {
  const leased = await redis.set(sweepLeaseKey(queue), '1', 'PX', SWEEP_EVERY_MS - 1000, 'NX')
  if (leased === null) return 0
  const bull = openBullQueue(redis, queue)
  bull.on('error', () => undefined)
  try {
    const recording = await isRecording(redis)
    let removed = 0
    for (const place of recording ? (['failed'] as const) : (['completed', 'failed'] as const)) {
      const ids = await bull.clean(RETENTION[place].age * 1000, BATCH, place)
      await unlist(redis, queue, ids)
      removed += ids.length
    }
    return recording ? removed : removed + (await trim(redis, queue, bull))
  } finally {
    await bull.close()
  }
}

/** Removes the oldest of those that are too many in `completed`, a batch at a time. */
async function trim(redis: Redis, queue: string, bull: Queue): Promise<number> {
  let removed = 0
  for (;;) {
    const surplus = (await redis.zcard(bullKeys(queue).completed)) - RETENTION.completed.count
    if (surplus <= 0) return removed
    const ids = await bull.clean(0, Math.min(surplus, BATCH), 'completed')
    // What is left is from a clock that is ahead of ours.
    if (ids.length === 0) return removed
    await unlist(redis, queue, ids)
    removed += ids.length
  }
}

async function unlist(redis: Redis, queue: string, ids: string[]): Promise<void> {
  if (ids.length === 0) return
  await redis
    .pipeline()
    .zrem(indexKey(queue), ...ids)
    .zrem(unrecordedKey(queue), ...ids)
    .exec()
}
