import { type Env, oneOf, text } from '@foliot/settings'

/** How much is logged, from most to least. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

export type LogLevel = (typeof LOG_LEVELS)[number]

/**
 * The variables of this package. The SDK of OpenTelemetry reads the `OTEL_*` ones, and others of its own, by itself;
 * these decide whether it is started at all.
 */
export const telemetryEnv = {
  FOLIOT_LOG_LEVEL: oneOf(LOG_LEVELS).default('info'),
  OTEL_EXPORTER_OTLP_ENDPOINT: text().optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: text().optional(),
  OTEL_TRACES_EXPORTER: text().optional(),
  OTEL_PROPAGATORS: text().optional(),
  OTEL_SDK_DISABLED: text().optional(),
}

export type TelemetryEnv = Env<typeof telemetryEnv>

/** Whether the variables ask for traces: an exporter or an endpoint is named, and neither says no. */
export function wantsTracing(env: TelemetryEnv): boolean {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || env.OTEL_TRACES_EXPORTER === 'none') return false
  return [env.OTEL_TRACES_EXPORTER, env.OTEL_EXPORTER_OTLP_ENDPOINT, env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT].some(
    Boolean,
  )
}
