import type { Redis } from 'ioredis'
import { bullKeys } from '../keys.ts'
import { readTogether } from '../redis/read-together.ts'

/**
 * How many jobs wait in a queue that lets workers take them: not paused, below its concurrency, not rate limited.
 * 0 means that an idle worker is right to be idle.
 */
export async function findStuck(redis: Redis, queue: string): Promise<number> {
  const k = bullKeys(queue)
  const reads = redis
    .pipeline()
    .llen(k.wait)
    .zcard(k.prioritized)
    .llen(k.active)
    .hmget(k.meta, 'paused', 'concurrency')
    .pttl(k.limiter)
  const [wait, prioritized, active, [paused, concurrency], limiterMs] =
    await readTogether<[number, number, number, [string | null, string | null], number]>(reads)
  const full = concurrency !== null && active >= Number(concurrency)
  return paused !== null || full || limiterMs > 0 ? 0 : wait + prioritized
}
