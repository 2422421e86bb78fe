import { type Catalog, countAudit, measureOutboxes } from '@foliot/queue'
import { type Metrics, outboxMetrics } from '@foliot/telemetry'
import type { Redis } from 'ioredis'

/** Reads when metrics are scraped how much waits for the history, and how full Redis is by it. */
export function observeOutboxes(meter: Metrics['meter'], redis: Redis, catalog: Catalog): void {
  outboxMetrics(meter, async () => {
    await catalog.refresh()
    const [outboxes, auditEntries, memory] = await Promise.all([
      measureOutboxes(redis, catalog.queues),
      countAudit(redis),
      redis.info('memory'),
    ])
    const now = Date.now()
    return {
      auditEntries,
      redisBytes: Number(/^used_memory:(\d+)/m.exec(memory)?.[1] ?? 0),
      outboxes: outboxes.map(({ queue, waiting, oldestAt }) => ({
        queue,
        jobs: waiting,
        oldestAgeSeconds: oldestAt === undefined ? 0 : Math.max(0, now - oldestAt) / 1000,
      })),
    }
  })
}
