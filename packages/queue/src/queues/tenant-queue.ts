import type { Redis } from 'ioredis'
import { NO_ENVELOPE } from '../enqueue/envelope.ts'
import { bullKeys, takenOfKey, unkeptKey } from '../keys.ts'
import { runScript } from '../redis/scripts.ts'
import { type QueueInfo, readQueue } from './queues.ts'

/** How many entries one call of the script looks at: Redis does nothing else meanwhile. */
const CHUNK = 500

/** How many entries of a place are looked at. What lies behind is not counted. */
const MOST = 10_000

export interface TenantQueueInfo extends QueueInfo {
  /** Whether places hold more jobs than were looked at. */
  truncated: boolean
}

/** A queue as one tenant sees it: its limits, which hold for all, and the tenant's jobs alone. */
export async function readQueueOf(redis: Redis, name: string, tenant: string): Promise<TenantQueueInfo> {
  const k = bullKeys(name)
  const places = [k.wait, k.prioritized, k.active, k.delayed, k.completed, unkeptKey(name), k.failed]
  const [info, taken] = await Promise.all([readQueue(redis, name), redis.hget(takenOfKey(name), tenant)])
  const counts: Count[] = []
  // One after the other, so that others get their turn in between.
  for (const place of places) counts.push(await count(redis, name, place, tenant))
  const [wait, prioritized, active, delayed, completed, unkept, failed] = counts as [
    Count,
    Count,
    Count,
    Count,
    Count,
    Count,
    Count,
  ]
  const oldest = Math.min(wait.oldest, prioritized.oldest)
  return {
    ...info,
    counts: {
      queued: wait.found + prioritized.found,
      running: active.found,
      scheduled: delayed.found,
      succeeded: completed.found + unkept.found + Number(taken ?? 0),
      failed: failed.found,
    },
    oldestAgeMs: Number.isFinite(oldest) ? Math.max(0, Date.now() - oldest) : null,
    truncated: counts.some(({ isCut }) => isCut),
  }
}

interface Count {
  found: number
  /** When the first of them was made, in ms since 1970; infinite if there is none. */
  oldest: number
  isCut: boolean
}

async function count(redis: Redis, queue: string, place: string, tenant: string): Promise<Count> {
  const sum: Count = { found: 0, oldest: Number.POSITIVE_INFINITY, isCut: true }
  for (let at = 0; at < MOST; at += CHUNK) {
    const args = [bullKeys(queue).base, tenant, NO_ENVELOPE.tenant, at, at + CHUNK - 1]
    const [seen, found, oldest] = (await runScript(redis, 'countTenant', [place], args)) as [number, number, string]
    sum.found += found
    if (oldest !== '') sum.oldest = Math.min(sum.oldest, Number(oldest))
    if (seen < CHUNK) return { ...sum, isCut: false }
  }
  return sum
}
