export { LOG_LEVELS, type LogLevel, type TelemetryEnv, telemetryEnv, wantsTracing } from './env.ts'
export { type HttpMetrics, httpMetrics } from './http-metrics.ts'
export { type JobMetrics, jobMetrics } from './job-metrics.ts'
export { failActiveSpan, type JobSpan, type SpanError, withJobSpan } from './job-span.ts'
export { createLogger, type Logger, type LoggerOptions, traceBindings } from './logger.ts'
export { createMetrics, type Metrics } from './metrics.ts'
export { ATTRIBUTES, METRICS } from './names.ts'
export { type QueueReading, type QueuesReading, queueMetrics } from './queue-metrics.ts'
export {
  formatTraceparent,
  type Headers,
  newTraceparent,
  parseTraceparent,
  type TraceContext,
  traceContextOf,
} from './trace-context.ts'
export { startTracing, type Tracing, type TracingOptions } from './tracing.ts'
