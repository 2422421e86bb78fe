import { setTimeout } from 'node:timers/promises'
import { DiagLogLevel, diag } from '@opentelemetry/api'
import type { Logger } from 'pino'
import { serviceName } from './names.ts'

/** The tracing of one process. */
export interface Tracing {
  /** Sends what is left, for 3 s at most, and stops. Never fails; what could not be sent is logged. Safe twice. */
  shutdown(): Promise<void>
}

export interface TracingOptions {
  app: string
  /** Whether to trace at all; see `wantsTracing`. Without it nothing is loaded and nothing costs. */
  on: boolean
  /** `OTEL_PROPAGATORS` was set: the SDK is to follow it. Default false: W3C and B3. */
  propagatorsFromEnv?: boolean
  /** Told when spans cannot be sent. */
  log: Pick<Logger, 'error' | 'warn'>
}

/** Spans are not worth more of the time that a process has to end. */
const SHUTDOWN_MAX_MS = 3000

/**
 * Starts the SDK of OpenTelemetry, which reads where to send spans from its `OTEL_*` variables. There is one per
 * process. Nothing is instrumented by itself: spans are those of `withJobSpan` and of the handlers.
 */
export async function startTracing({ app, on, propagatorsFromEnv = false, log }: TracingOptions): Promise<Tracing> {
  if (!on) return { shutdown: async () => {} }
  // Loaded only now: it takes a tenth of a second and 10 MB.
  const { NodeSDK } = await import('@opentelemetry/sdk-node')
  const sdk = new NodeSDK({
    serviceName: serviceName(app),
    instrumentations: [],
    // Metrics are read by Prometheus and logs are on stdout; without these lines the SDK would send both as well.
    metricReaders: [],
    logRecordProcessors: [],
    ...(!propagatorsFromEnv && { textMapPropagator: await w3cAndB3() }),
  })
  diag.setLogger(toDiagLogger(log), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
  sdk.start()
  let stopped: Promise<void> | undefined
  const stop = () => Promise.race([sdk.shutdown(), failAfter(SHUTDOWN_MAX_MS)])
  const complain = (err: unknown) => log.warn({ err }, 'tracing: the last spans could not be sent')
  return {
    shutdown() {
      stopped ??= stop().catch(complain)
      return stopped
    },
  }
}

async function failAfter(ms: number): Promise<never> {
  await setTimeout(ms, undefined, { ref: false })
  throw new Error(`expected the collector to take the spans within ${ms} ms, got no answer`)
}

async function w3cAndB3() {
  const { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } = await import('@opentelemetry/core')
  const { B3Propagator } = await import('@opentelemetry/propagator-b3')
  // The last one to find a context wins, so that W3C goes before B3 where a request has both.
  return new CompositePropagator({
    propagators: [new B3Propagator(), new W3CTraceContextPropagator(), new W3CBaggagePropagator()],
  })
}

function toDiagLogger(log: Pick<Logger, 'error' | 'warn'>) {
  const ignore = () => {}
  return {
    error: (message: string, ...details: unknown[]) => log.error({ details }, `tracing: ${message}`),
    warn: (message: string, ...details: unknown[]) => log.warn({ details }, `tracing: ${message}`),
    info: ignore,
    debug: ignore,
    verbose: ignore,
  }
}
