import type { Meter } from '@opentelemetry/api'
import { METRICS } from './names.ts'

/** The state of one queue at one moment. */
export interface QueueReading {
  queue: string
  /** How many jobs are in each state, by its name. */
  depth: Readonly<Record<string, number>>
  /** How long the oldest waiting job has waited; 0 if none waits. */
  oldestAgeSeconds: number
  deadLetters: number
}

/** What a scrape reads in one go. */
export interface QueuesReading {
  queues: readonly QueueReading[]
  /** How many workers have a heartbeat. */
  workers: number
}

/** Exposes the state of all queues. `read` is called once per scrape; if it fails, the scrape goes on without it. */
export function queueMetrics(meter: Meter, read: () => Promise<QueuesReading>): void {
  const depth = meter.createObservableGauge(METRICS.queueDepth, { description: 'Jobs in a queue by state' })
  const oldestAge = meter.createObservableGauge(METRICS.queueOldestAge, {
    description: 'How long the oldest waiting job has waited',
  })
  const deadLetters = meter.createObservableGauge(METRICS.deadLetters, {
    description: 'Dead letters that were neither redriven nor discarded',
  })
  const workers = meter.createObservableGauge(METRICS.workers, { description: 'Workers with a heartbeat' })
  meter.addBatchObservableCallback(
    async (observer) => {
      const reading = await read()
      observer.observe(workers, reading.workers)
      for (const { queue, ...state } of reading.queues) {
        for (const [name, jobs] of Object.entries(state.depth)) observer.observe(depth, jobs, { queue, state: name })
        observer.observe(oldestAge, state.oldestAgeSeconds, { queue })
        observer.observe(deadLetters, state.deadLetters, { queue })
      }
    },
    [depth, oldestAge, deadLetters, workers],
  )
}
