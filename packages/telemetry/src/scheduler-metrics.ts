import type { Meter } from '@opentelemetry/api'
import { LATENESS_BUCKETS } from './buckets.ts'
import { METRICS } from './names.ts'

/** What a scheduler counts. */
export interface SchedulerMetrics {
  /** @param latenessSeconds from when the tick was due until its job was in Redis */
  fired(latenessSeconds: number): void
  /** Ticks without a job, or `fired` for one that waited for another job to end: nobody was late. */
  ticks(outcome: 'skipped' | 'missed' | 'fired', count: number): void
}

/** @param held how many schedules this scheduler has, read with each scrape */
export function schedulerMetrics(meter: Meter, held: () => number): SchedulerMetrics {
  const ticks = meter.createCounter(METRICS.scheduleTicks, { description: 'Ticks that were decided' })
  const lateness = meter.createHistogram(METRICS.scheduleLateness, {
    description: 'How long after a tick was due its job was in Redis',
    advice: { explicitBucketBoundaries: [...LATENESS_BUCKETS] },
  })
  meter
    .createObservableGauge(METRICS.schedulesHeld, { description: 'Schedules that this scheduler fires' })
    .addCallback((observer) => observer.observe(held()))
  return {
    fired(latenessSeconds) {
      ticks.add(1, { outcome: 'fired' })
      lateness.record(latenessSeconds)
    },
    ticks: (outcome, count) => ticks.add(count, { outcome }),
  }
}

/** @param read how much did not happen that should have, by kind; undefined where nobody watches. Read with each scrape */
export function watchMetrics(meter: Meter, read: () => ReadonlyMap<string, number> | undefined): void {
  meter
    .createObservableGauge(METRICS.schedulesOverdue, { description: 'Runs of schedules that did not happen, by kind' })
    .addCallback((observer) => {
      for (const [kind, count] of read() ?? []) observer.observe(count, { kind })
    })
}
