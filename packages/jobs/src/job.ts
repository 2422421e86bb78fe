import type { History, Isolation } from './define-job.ts'
import type { RetryPolicy } from './retry-policy.ts'
import type { JobStatus, TimelineEvent } from './states.ts'

/** One request to do work, as `GET /v1/jobs/{id}` shows it. Times are RFC 3339 in UTC. */
export interface Job {
  id: string
  type: string
  /** The version of the type at the time the job was enqueued. */
  version: number
  queue: string
  status: JobStatus
  /** How often the job was started. 0 before the first start. */
  attempt: number
  /** What counts against `maxAttempts`: failures, timeouts, deaths of the process since the last redrive. */
  attemptsUsed: number
  maxAttempts: number
  priority: number
  /** Whatever the handler reported last; null before that. */
  progress: unknown
  input: unknown
  /** null until the job succeeded. */
  output: unknown
  error: JobFailure | null
  labels: Record<string, string>
  tenant: string
  /** Of the schedule that made it. */
  scheduleId?: string
  /** The instant of its tick, as it was planned. */
  scheduledFor?: string
  /** How long after the tick was due the job was made. */
  latenessMs?: number
  traceId: string
  createdAt: string
  /** When the job may start at the earliest, if it was delayed. */
  runAt?: string
  startedAt?: string
  finishedAt?: string
  nextAttemptAt?: string
  /** When the job has to have ended. */
  deadlineAt?: string
  /** When somebody asked the running attempt to end. */
  cancelRequestedAt?: string
  /** A dead letter that somebody has put aside. */
  discardedAt?: string
  timeline: TimelineEntry[]
  /** How many entries the timeline lacks, of what callers did very often: it has the first three and the last seventeen. */
  timelineLeftOut?: number
}

/** Why the last attempt failed. `message` and `stack` are cut to their limits and then say so. */
export interface JobFailure {
  name: string
  message: string
  /** One of `ERROR_KINDS`, or what the handler called it. */
  kind: string
  stack?: string
  /** The same for failures that are alike: `GET /v1/errors` groups by it. */
  fingerprint?: string
}

export interface TimelineEntry {
  at: string
  event: TimelineEvent
  attempt?: number
  detail?: string
}

/** A job type as a worker announces it and `GET /v1/job-types` shows it. */
export interface JobType {
  name: string
  version: number
  queue: string
  description: string
  /** JSON Schema 2020-12 of the input. */
  inputSchema: Record<string, unknown>
  /** JSON Schema 2020-12 of the output, if the type has one. */
  outputSchema?: Record<string, unknown>
  retry: RetryPolicy
  timeoutMs: number
  priority: number
  /** Missing where a worker announced it that did not know of a choice: inline. */
  isolation?: Isolation
  /** Missing likewise: all. */
  history?: History
  redact: readonly string[]
}
