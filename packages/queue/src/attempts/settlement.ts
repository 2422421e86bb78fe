import type { JobFailure } from '@foliot/jobs'
import type { CancelRequest } from './cancel-request.ts'

/** What became of a handler that was told to stop: how it ended, in words for people. */
export const STOP_MANNERS = {
  cooperative: 'its handler ended when it was told to',
  killed: 'its process was killed',
  abandoned: 'its handler did not end and was abandoned: what it does no longer counts',
} as const

export type StopManner = keyof typeof STOP_MANNERS

/**
 * How an attempt ended, as decided by the pipeline. The consumer makes it so, in one atomic step. `how` its handler took it,
 * if that was told to stop.
 */
export type Settlement =
  /** `output` is JSON text. */
  | { kind: 'succeeded'; output: string }
  /** For good: the job becomes a dead letter. */
  | { kind: 'dead'; status: 'failed' | 'timed_out'; failure: JobFailure; reason: string; how?: StopManner }
  /** Not for good: the attempt counts, and the job runs again after the delay. */
  | {
      kind: 'retry'
      outcome: 'failed' | 'timed_out'
      failure: JobFailure
      reason: string
      delayMs: number
      how?: StopManner
    }
  /** Again later, without using up the attempt. `passes`: how often in a row now, if it is passed on for want of a handler. */
  | { kind: 'snoozed'; delayMs: number; reason: string; passes?: number }
  | { kind: 'cancelled'; by: string; reason: string; how?: StopManner }
  /** Back to the front of the queue, without using up the attempt. */
  | { kind: 'handed_back'; reason: string; how?: StopManner }

/**
 * What becomes of an attempt at a job that somebody has cancelled: only a success stays what it is. Anything else would have
 * the job wait, or be buried, against the request.
 */
export function heedCancel(settlement: Settlement, { by, reason }: CancelRequest): Settlement {
  if (settlement.kind === 'succeeded' || settlement.kind === 'cancelled') return settlement
  const how = 'how' in settlement && settlement.how
  return { kind: 'cancelled', by, reason, ...(how && { how }) }
}
