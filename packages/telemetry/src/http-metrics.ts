import type { Meter } from '@opentelemetry/api'
import { HTTP_SECONDS } from './buckets.ts'
import { METRICS } from './names.ts'

export interface HttpMetrics {
  /** A request was answered. `route` is the pattern (`/v1/jobs/:id`), never the path itself. */
  request(method: string, route: string, statusCode: number, seconds: number): void
}

export function httpMetrics(meter: Meter): HttpMetrics {
  const duration = meter.createHistogram(METRICS.httpDuration, {
    description: 'How long requests took',
    advice: { explicitBucketBoundaries: [...HTTP_SECONDS] },
  })
  return {
    request: (method, route, statusCode, seconds) =>
      duration.record(Math.max(0, seconds), { method, route, status_code: statusCode }),
  }
}
