import type { Catalog } from '@foliot/queue'
import { listWorkers, readQueue } from '@foliot/queue'
import type { Metrics } from '@foliot/telemetry'
import { queueMetrics } from '@foliot/telemetry'
import type { Redis } from 'ioredis'

/** Reads the state of every queue when metrics are scraped. */
export function observeQueues(meter: Metrics['meter'], redis: Redis, catalog: Catalog): void {
  queueMetrics(meter, async () => {
    await catalog.refresh()
    const [queues, workers] = await Promise.all([
      Promise.all(catalog.queues.map((name) => readQueue(redis, name))),
      listWorkers(redis),
    ])
    return {
      workers: workers.length,
      queues: queues.map(({ name, counts, oldestAgeMs }) => ({
        queue: name,
        depth: { queued: counts.queued, running: counts.running, scheduled: counts.scheduled },
        oldestAgeSeconds: (oldestAgeMs ?? 0) / 1000,
        deadLetters: counts.failed,
      })),
    }
  })
}
