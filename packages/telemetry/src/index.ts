export { Complaints } from './complaints.ts'
export { telemetryEnv, wantsTracing } from './env.ts'
export { httpMetrics } from './http-metrics.ts'
export { type JobMetrics, jobMetrics } from './job-metrics.ts'
export { failActiveSpan, withJobSpan } from './job-span.ts'
export { createLogger, type Logger, traceBindings } from './logger.ts'
export { createMetrics, type Metrics } from './metrics.ts'
export { METRICS } from './names.ts'
export { queueMetrics } from './queue-metrics.ts'
export {
  type OutboxesReading,
  type OutboxReading,
  outboxMetrics,
  type RecorderMetrics,
  recorderMetrics,
} from './recorder-metrics.ts'
export { type SchedulerMetrics, schedulerMetrics, watchMetrics } from './scheduler-metrics.ts'
export { newTraceparent, traceContextOf } from './trace-context.ts'
export { startTracing } from './tracing.ts'
