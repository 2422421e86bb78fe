import type { Redis } from 'ioredis'
import { bullKeys } from './keys.ts'

/**
 * How many jobs wait in a queue that lets workers take them: not paused, below its concurrency, not rate limited.
 * 0 means that an idle worker is right to be idle.
 */
export async function findStuck(redis: Redis, queue: string): Promise<number> {
  const k = bullKeys(queue)
  const replies = await redis
    .multi()
    .llen(k.wait)
    .zcard(k.prioritized)
    .llen(k.active)
    .hmget(k.meta, 'paused', 'concurrency')
    .pttl(`${k.base}limiter`)
    .exec()
  const [wait, prioritized, active, [paused, concurrency], limiterMs] = (replies ?? []).map(([, value]) => value) as [
    number,
    number,
    number,
    [string | null, string | null],
    number,
  ]
  const full = concurrency !== null && active >= Number(concurrency)
  return paused !== null || full || limiterMs > 0 ? 0 : wait + prioritized
}
