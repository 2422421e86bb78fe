import type { Attributes, Meter } from '@opentelemetry/api'
import { JOB_SECONDS } from './buckets.ts'
import { METRICS } from './names.ts'

/** What a worker counts. Cheap: a job costs a few map look-ups and no new object. */
export interface JobMetrics {
  /** A job ended with `status` after an attempt of `seconds`. */
  finished(queue: string, type: string, status: string, seconds: number): void
  /** An attempt started `seconds` after its job was due. */
  waited(queue: string, type: string, seconds: number): void
  /** An attempt failed and the job will be tried again. */
  retried(queue: string, type: string): void
}

interface JobLabels {
  readonly plain: Attributes
  readonly ends: Map<string, Ends>
}

/** How many jobs of a type ended with a status. Counted here: for each that the SDK adds it makes text of the labels. */
interface Ends {
  readonly labels: Attributes
  count: number
}

export function jobMetrics(meter: Meter): JobMetrics {
  const advice = { explicitBucketBoundaries: [...JOB_SECONDS] }
  const counted: Ends[] = []
  meter.createObservableCounter(METRICS.jobs, { description: 'Jobs that ended' }).addCallback((result) => {
    for (const { labels, count } of counted) result.observe(count, labels)
  })
  const retries = meter.createCounter(METRICS.jobRetries, { description: 'Failed attempts that are tried again' })
  const duration = meter.createHistogram(METRICS.jobDuration, {
    description: 'How long the last attempt of a job ran',
    advice,
  })
  const queueTime = meter.createHistogram(METRICS.jobQueueTime, {
    description: 'How long a due job waited for its start',
    advice,
  })
  const labelsOf = labelCache()
  return {
    finished(queue, type, status, seconds) {
      const { plain, ends } = labelsOf(queue, type)
      getOrAdd(ends, status, () => {
        const first = { labels: { ...plain, status }, count: 0 }
        counted.push(first)
        return first
      }).count++
      duration.record(Math.max(0, seconds), plain)
    },
    waited: (queue, type, seconds) => queueTime.record(Math.max(0, seconds), labelsOf(queue, type).plain),
    retried: (queue, type) => retries.add(1, labelsOf(queue, type).plain),
  }
}

function labelCache(): (queue: string, type: string) => JobLabels {
  const queues = new Map<string, Map<string, JobLabels>>()
  return (queue, type) => {
    const types = getOrAdd(queues, queue, () => new Map())
    return getOrAdd(types, type, () => ({ plain: { queue, type }, ends: new Map() }))
  }
}

function getOrAdd<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = make()
  map.set(key, made)
  return made
}
