import type { JobFailure } from '@foliot/jobs'

/** What became of a handler that was told to stop: how it ended, in words for people. */
export const STOP_MANNERS = {
  cooperative: 'its handler ended when it was told to',
  killed: 'its process was killed',
  abandoned: 'its handler did not end and was abandoned: what it does no longer counts',
} as const

export type StopManner = keyof typeof STOP_MANNERS

/** How an attempt ended, as decided by the pipeline. The consumer makes it so, in one atomic step. */
export type Settlement =
  /** `output` is JSON text. */
  | { kind: 'succeeded'; output: string }
  /** For good: the job becomes a dead letter. */
  | { kind: 'dead'; status: 'failed' | 'timed_out'; failure: JobFailure; reason: string }
  /** Not for good: the attempt counts, and the job runs again after the delay. */
  | { kind: 'retry'; outcome: 'failed' | 'timed_out'; failure: JobFailure; reason: string; delayMs: number }
  /** Again later, without using up the attempt. */
  | { kind: 'snoozed'; delayMs: number; reason: string }
  | { kind: 'cancelled'; by: string; reason: string; how?: StopManner }
  /** Back to the front of the queue, without using up the attempt. */
  | { kind: 'handed_back'; reason: string }
