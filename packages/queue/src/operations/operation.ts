import type { JobFilter } from '../jobs/job-filter.ts'
import type { DeadLetterMove, MoveReason } from '../jobs/moves.ts'

export const OPERATION_STATES = ['running', 'paused', 'completed', 'stopped', 'failed'] as const

export type OperationState = (typeof OPERATION_STATES)[number]

/** The legal moves. Callers pause and resume an operation; the process that drives it completes, stops or fails it. */
export const OPERATION_MOVES: Readonly<Record<OperationState, readonly OperationState[]>> = {
  running: ['paused', 'completed', 'stopped', 'failed'],
  paused: ['running'],
  completed: [],
  stopped: [],
  failed: [],
}

export const hasEnded = (state: OperationState): boolean => OPERATION_MOVES[state].length === 0

/** Besides moves of dead letters: the jobs of times of a schedule that are past. */
export type OperationKind = DeadLetterMove | 'backfill'

/** What is asked for. */
export interface OperationRequest {
  kind: OperationKind
  filter: JobFilter
  /** True: only count and show what would be moved. */
  dryRun: boolean
  reason: MoveReason
  /** Moves at most so many a second. Default: as fast as it can. */
  ratePerSecond?: number | undefined
  /** 0 to 1, for a redrive: stops when more than this share of the redriven jobs that have ended died again. */
  stopOnFailureRatio?: number | undefined
  /** For a backfill: what its `JobMaker` needs, as JSON keeps it. Its filter has one queue, and the tenant. */
  plan?: unknown
}

/** How many ids of what fits an operation tells. */
export const SAMPLE = 10

/** A bulk move of dead letters, or a backfill, as `GET /v1/operations/{id}` shows it. Kept for a day after its end. */
export interface Operation extends OperationCounts {
  id: string
  kind: OperationKind
  /** What was moved stays moved, however it ended. */
  state: OperationState
  dryRun: boolean
  ratePerSecond?: number
  stopOnFailureRatio?: number
  queues: OperationPart[]
  /** Ids of the first dead letters that fit; of a backfill its first times, RFC 3339. */
  sample: string[]
  /** What died after that is left alone. */
  startedAt: string
  /** When it last moved something, or changed its state. */
  updatedAt: string
  finishedAt?: string
  /** Why it stopped or failed. */
  error?: string
}

/** What an operation does in one queue. */
export interface OperationPart extends OperationCounts {
  name: string
  /** The dead letters that died up to then have been looked at; null before the first. */
  cursor: string | null
  done: boolean
}

export interface OperationCounts {
  /** Dead letters met so far that fit the filter; of a backfill, times. */
  matched: number
  /** Of those, how many were moved; of a backfill, jobs that were made. */
  moved: number
  /** Of the redriven, how many have ended since, well or not. */
  finished: number
  /** Of those, how many died again. */
  failedAgain: number
}
