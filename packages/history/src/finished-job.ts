import type { Job } from '@foliot/jobs'

/** A job that has ended, with all that history keeps of it. */
export interface FinishedJob {
  /** As the REST API shows it. */
  job: Job
  /** The input as it was sent: the order of its keys and the spelling of its numbers are kept. */
  inputText: string
  /** The output likewise; null if there is none. */
  outputText: string | null
  /** Those that have ended. */
  attempts: readonly FinishedAttempt[]
  /** The lines of its log, oldest first. */
  log: readonly string[]
  /** How many lines it has written, if more than those. */
  linesWritten?: number
}

/** One try at the job. Times are in ms since 1970. */
export interface FinishedAttempt {
  attempt: number
  worker: string
  startedAt: number
  endedAt: number
  outcome: 'succeeded' | 'failed' | 'timed_out' | 'cancelled' | 'snoozed' | 'handed_back' | 'lost'
  error?: { name: string; message: string; kind: string }
  /** Why it went on as it did. */
  reason?: string
}
