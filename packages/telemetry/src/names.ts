/** Every metric that Foliot exposes, as Prometheus sees it. No label is unbounded: never a job id, a path or a message. */
export const METRICS = Object.freeze({
  /** Jobs that ended. Labels queue, type, status. */
  jobs: 'foliot_jobs_total',
  /** How long an attempt ran. Labels queue, type. */
  jobDuration: 'foliot_job_duration_seconds',
  /** How long a job waited from the time it was due to its start. Labels queue, type. */
  jobQueueTime: 'foliot_job_queue_seconds',
  /** Attempts that failed and are tried again. Labels queue, type. */
  jobRetries: 'foliot_job_retries_total',
  /** Jobs in a queue. Labels queue, state. */
  queueDepth: 'foliot_queue_depth',
  /** How long the oldest waiting job has waited. Label queue. */
  queueOldestAge: 'foliot_queue_oldest_age_seconds',
  /** Dead letters that were neither redriven nor discarded. Label queue. */
  deadLetters: 'foliot_dead_letters',
  /** Workers with a heartbeat. */
  workers: 'foliot_workers',
  /** Jobs taken into the history. Label queue. */
  historyRecorded: 'foliot_history_recorded_total',
  /** Jobs that the history cannot keep. Label queue. */
  historyRefused: 'foliot_history_refused_total',
  /** Jobs that ended and are not in the history yet. Label queue. */
  historyWaiting: 'foliot_history_waiting_jobs',
  /** How long the oldest of them has waited. Label queue. */
  historyOldestAge: 'foliot_history_oldest_age_seconds',
  /** Audit entries that are not in the history yet. */
  auditWaiting: 'foliot_audit_waiting_entries',
  /** Ticks that were decided. Label outcome: fired, skipped, missed. */
  scheduleTicks: 'foliot_schedule_ticks_total',
  /** How long after a tick was due its job was in Redis. */
  scheduleLateness: 'foliot_schedule_lateness_seconds',
  /** Schedules that a scheduler fires. */
  schedulesHeld: 'foliot_schedules_held',
  /** What did not happen that should have. Label kind. Only the recorder that watches tells. */
  schedulesOverdue: 'foliot_schedules_overdue',
  /** Memory that Redis uses. */
  redisMemory: 'foliot_redis_memory_bytes',
  /** How long a request took. Labels method, route, status_code. */
  httpDuration: 'http_request_duration_seconds',
})

/** Attributes of spans: OpenTelemetry's for messaging, then ours. */
export const ATTRIBUTES = Object.freeze({
  messagingSystem: 'messaging.system',
  messagingOperationName: 'messaging.operation.name',
  messagingOperationType: 'messaging.operation.type',
  messagingDestination: 'messaging.destination.name',
  messagingMessageId: 'messaging.message.id',
  errorType: 'error.type',
  jobType: 'foliot.job.type',
  jobAttempt: 'foliot.job.attempt',
})

/** The name under which Foliot's spans and metrics are made. */
export const SCOPE = 'foliot'

/** The service that traces and `target_info` name. */
export const serviceName = (app: string): string => `foliot-${app}`
