import type { Meter } from '@opentelemetry/api'
import { METRICS } from './names.ts'

/** What a recorder counts. */
export interface RecorderMetrics {
  recorded(queue: string, jobs: number): void
  refused(queue: string): void
}

export function recorderMetrics(meter: Meter): RecorderMetrics {
  const recorded = meter.createCounter(METRICS.historyRecorded, { description: 'Jobs taken into the history' })
  const refused = meter.createCounter(METRICS.historyRefused, { description: 'Jobs that the history cannot keep' })
  return {
    recorded: (queue, jobs) => recorded.add(jobs, { queue }),
    refused: (queue) => refused.add(1, { queue }),
  }
}

/** What waits for the history in one queue. */
export interface OutboxReading {
  queue: string
  jobs: number
  /** How long the oldest of them has waited; 0 if none waits. */
  oldestAgeSeconds: number
}

/** What a scrape reads in one go. */
export interface OutboxesReading {
  outboxes: readonly OutboxReading[]
  /** Entries of the audit that wait for it. */
  auditEntries: number
  /** What Redis uses of its memory. */
  redisBytes: number
}

/** Exposes what waits for the history. `read` is called once per scrape; if it fails, the scrape goes on without it. */
export function outboxMetrics(meter: Meter, read: () => Promise<OutboxesReading>): void {
  const jobs = meter.createObservableGauge(METRICS.historyWaiting, {
    description: 'Jobs that ended and are not in the history yet',
  })
  const oldestAge = meter.createObservableGauge(METRICS.historyOldestAge, {
    description: 'How long the oldest of them has waited',
  })
  const audit = meter.createObservableGauge(METRICS.auditWaiting, {
    description: 'Audit entries that are not in the history yet',
  })
  const memory = meter.createObservableGauge(METRICS.redisMemory, { description: 'Memory that Redis uses' })
  meter.addBatchObservableCallback(
    async (observer) => {
      const { outboxes, auditEntries, redisBytes } = await read()
      observer.observe(memory, redisBytes)
      observer.observe(audit, auditEntries)
      for (const outbox of outboxes) {
        observer.observe(jobs, outbox.jobs, { queue: outbox.queue })
        observer.observe(oldestAge, outbox.oldestAgeSeconds, { queue: outbox.queue })
      }
    },
    [jobs, oldestAge, audit, memory],
  )
}
