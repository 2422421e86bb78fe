import { isOutcome, type JobContext, type Outcome } from '@foliot/jobs'
import type { RunningAttempt, StopManner, StopReason } from '@foliot/queue'
import { createContext } from './context.ts'
import type { ReadableJob } from './read-job.ts'

/** What came of calling the handler. */
export type Performed =
  | { kind: 'returned'; value: unknown }
  | { kind: 'outcome'; outcome: Outcome }
  | { kind: 'threw'; thrown: unknown }
  /** Its time was over before it was done; what it does after that no longer counts. */
  | { kind: 'stopped'; reason: StopReason; how: StopManner; timeoutMs: number }

export interface PerformOptions {
  /** How long a handler may go on after it was told to stop, in milliseconds. */
  stopGraceMs: number
  /** Told of a handler that goes on all the same. The promise resolves when it ends after all. */
  onAbandoned: (ended: Promise<unknown>) => void
}

/** What a handler gets to end by itself when the worker has to go; the time to hand jobs back is spent already. */
const SHUTDOWN_GRACE_MS = 1000

/**
 * Calls the handler and waits for it, for its timeout, or for the attempt to be stopped. A handler that is told to stop
 * has `stopGraceMs` to end by itself before its slot is taken.
 */
export async function perform(
  attempt: RunningAttempt,
  job: ReadableJob,
  { stopGraceMs, onAbandoned }: PerformOptions,
): Promise<Performed> {
  const { timeoutMs: wanted, deadlineAt = Number.POSITIVE_INFINITY } = attempt.claim.envelope
  const timeoutMs = wanted ?? job.definition.timeoutMs
  const leftMs = deadlineAt - Date.now()
  const timer = setTimeout(() => attempt.stop(leftMs < timeoutMs ? 'deadline' : 'timeout'), Math.min(leftMs, timeoutMs))
  const handled = call(job, createContext(attempt))
  try {
    const first = await Promise.race([handled, attempt.stopped])
    if (typeof first === 'object') return first
    const late = await waitAtMost(handled, first === 'shutdown' ? SHUTDOWN_GRACE_MS : stopGraceMs)
    // A result in time for the shutdown is a result. After a timeout or a cancel it is not: it came too late.
    if (first === 'shutdown' && late && late.kind !== 'threw') return late
    if (!late) onAbandoned(handled)
    return { kind: 'stopped', reason: first, how: late ? 'cooperative' : 'abandoned', timeoutMs }
  } finally {
    clearTimeout(timer)
  }
}

/** Never rejects. */
async function call({ handler, input }: ReadableJob, ctx: JobContext): Promise<Performed> {
  try {
    const value = await handler(input, ctx)
    return isOutcome(value) ? { kind: 'outcome', outcome: value } : { kind: 'returned', value }
  } catch (thrown) {
    return { kind: 'threw', thrown }
  }
}

/** Undefined if `ms` passed first. */
async function waitAtMost<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  const over = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => over.resolve(undefined), ms)
  try {
    return await Promise.race([promise, over.promise])
  } finally {
    clearTimeout(timer)
  }
}
