import type { RawEvent } from './event-feed.ts'
import { timeOfPosition } from './event-position.ts'
import { parse } from './job-hash.ts'

/** What may be told of a job. */
export const JOB_EVENTS = [
  'queued',
  'scheduled',
  'started',
  'progress',
  'succeeded',
  'failed',
  'timed_out',
  'cancelled',
  'redriven',
] as const

export type JobEventName = (typeof JOB_EVENTS)[number]

/** Something that happened to a job. Times are RFC 3339 in UTC. */
export interface JobEvent {
  event: JobEventName
  jobId: string
  queue: string
  at: string
  /** When a job that is `scheduled` may start: for the first time, again after a failure, or because it was put off. */
  runAt?: string
  /** What its handler reported. */
  progress?: unknown
}

/** Undefined for what tells of no job, or of nothing that happened to it. */
export function toJobEvent({ queue, id, fields }: RawEvent): JobEvent | undefined {
  const event = nameOf(fields)
  if (event === undefined || fields.jobId === undefined) return undefined
  const at = isoOf(timeOfPosition(id)) ?? new Date(0).toISOString()
  const runAt = event === 'scheduled' ? isoOf(Number(fields.delay)) : undefined
  return {
    event,
    jobId: fields.jobId,
    queue,
    at,
    ...(runAt !== undefined && { runAt }),
    ...(event === 'progress' && { progress: parse(fields.data) ?? null }),
  }
}

/** BullMQ's words in ours. `st` stands beside an end that BullMQ has no word for. */
function nameOf({ event, prev, st }: Record<string, string>): JobEventName | undefined {
  switch (event) {
    case 'waiting':
      return prev === 'failed' ? 'redriven' : 'queued'
    case 'delayed':
      return 'scheduled'
    case 'active':
      return 'started'
    case 'progress':
      return 'progress'
    case 'completed':
      return st === 'cancelled' ? 'cancelled' : 'succeeded'
    case 'failed':
      return st === 'timed_out' ? 'timed_out' : 'failed'
    default:
      return undefined
  }
}

function isoOf(ms: number): string | undefined {
  const date = new Date(ms)
  return Number.isNaN(date.valueOf()) ? undefined : date.toISOString()
}
