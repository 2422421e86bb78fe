/** Every status of a job, in the order of its life. */
export const STATUSES = [
  'scheduled',
  'queued',
  'running',
  'retrying',
  'succeeded',
  'failed',
  'timed_out',
  'cancelled',
] as const

export type JobStatus = (typeof STATUSES)[number]

/** The legal moves, and the event of the timeline that tells of each. Drawn in docs/job-states.md. */
export const MOVES = {
  scheduled: { queued: 'promoted', cancelled: 'cancelled', failed: 'failed', timed_out: 'timed_out' },
  queued: { running: 'started', cancelled: 'cancelled', failed: 'failed', timed_out: 'timed_out' },
  running: {
    succeeded: 'succeeded',
    failed: 'failed',
    timed_out: 'timed_out',
    cancelled: 'cancelled',
    retrying: 'retry_scheduled',
    queued: 'handed_back',
    scheduled: 'snoozed',
  },
  retrying: { queued: 'promoted', cancelled: 'cancelled', failed: 'failed', timed_out: 'timed_out' },
  succeeded: {},
  failed: { queued: 'redriven' },
  timed_out: { queued: 'redriven' },
  cancelled: {},
} as const satisfies Record<JobStatus, Partial<Record<JobStatus, TimelineEvent>>>

export type TimelineEvent =
  | 'created'
  | 'scheduled'
  | 'promoted'
  | 'started'
  | 'attempt_failed'
  | 'retry_scheduled'
  | 'timed_out'
  | 'snoozed'
  | 'handed_back'
  | 'worker_lost'
  | 'cancelled'
  | 'redriven'
  | 'discarded'
  | 'succeeded'
  | 'failed'

/** A terminal job stays as it is; only a redrive reopens one that `isDeadLetter`. */
export const isTerminal = (status: JobStatus): boolean =>
  status === 'succeeded' || status === 'cancelled' || isDeadLetter(status)

export const isDeadLetter = (status: JobStatus): boolean => status === 'failed' || status === 'timed_out'
