import type { Meter } from '@opentelemetry/api'
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import type { Logger } from 'pino'
import { SCOPE, serviceName } from './names.ts'
import { ScrapeReader } from './scrape-reader.ts'

/** The metrics of one process. */
export interface Metrics {
  /** Makes instruments. Their names are what Prometheus sees. */
  readonly meter: Meter
  /** Reads everything, also what is observed by a callback, as the body of `GET /metrics`. */
  text(): Promise<string>
  /** The media type of `text()`. */
  readonly contentType: string
  shutdown(): Promise<void>
}

/** A scrape waits no longer for a callback. What was not observed by then is missing from it. */
const READ_TIMEOUT_MS = 1000

// The serializer takes its options by place.
const NO_TIMESTAMPS = false
const NO_CONSTANT_LABELS = undefined
const WITH_TARGET_INFO = false
const WITHOUT_SCOPES = true

/** Sets up metrics that are read on demand. No port is opened; the app serves `text()` on its own. */
export function createMetrics({ app, log }: { app: string; log: Pick<Logger, 'warn'> }): Metrics {
  const reader = new ScrapeReader()
  const serializer = new PrometheusSerializer('', NO_TIMESTAMPS, NO_CONSTANT_LABELS, WITH_TARGET_INFO, WITHOUT_SCOPES)
  const resource = resourceFromAttributes({ 'service.name': serviceName(app) })
  const provider = new MeterProvider({ resource, readers: [reader] })
  return {
    meter: provider.getMeter(SCOPE),
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    async text() {
      const { resourceMetrics, errors } = await reader.collect({ timeoutMillis: READ_TIMEOUT_MS })
      for (const err of errors) log.warn({ err }, 'some metrics could not be read; they are missing from this scrape')
      return serializer.serialize(resourceMetrics)
    },
    shutdown: () => provider.shutdown(),
  }
}
