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
  /** Runs handlers in processes of their own. */
  isolation: { run(attempt: RunningAttempt, job: ReadableJob): Run }
  /** Told of a handler that goes on all the same. The promise resolves when it ends after all. */
  onAbandoned: (ended: Promise<unknown>) => void
}

/** A handler at work. */
export interface Run {
  /** Resolves when it begins. */
  readonly began: Promise<void>
  /** Never rejects. */
  readonly done: Promise<Performed>
  /** Ends it from outside. Only a process can be. */
  kill?(): void
}

/** What a handler gets to end by itself when the worker has to go; the time to hand jobs back is spent already. */
const SHUTDOWN_GRACE_MS = 1000

/** Node takes a longer timer for one of 1 ms. */
const TIMER_MAX_MS = 2 ** 31 - 1

/**
 * Calls the handler and waits for it, for its timeout, for the deadline of its job, or for the attempt to be stopped; one
 * that was stopped before gets no handler. A handler that is told to stop has `stopGraceMs` to end by itself. Then its
 * process is killed if it has one of its own; else its slot is taken, and if it blocks this process, this process goes.
 */
export async function perform(
  attempt: RunningAttempt,
  job: ReadableJob,
  { stopGraceMs, isolation, onAbandoned }: PerformOptions,
): Promise<Performed> {
  const { definition } = job
  const { timeoutMs = definition.timeoutMs, deadlineAt = Number.POSITIVE_INFINITY } = attempt.claim.envelope
  const { stopReason } = attempt
  if (stopReason) return { kind: 'stopped', reason: stopReason, how: 'cooperative', timeoutMs }
  const isInline = definition.isolation === 'inline'
  let timer: NodeJS.Timeout | undefined
  const limit = (): void => {
    clearTimeout(timer)
    const leftMs = deadlineAt - Date.now()
    const ms = Math.min(leftMs, timeoutMs)
    if (isInline) attempt.killAfter(ms + stopGraceMs)
    timer = setTimeout(() => attempt.stop(leftMs < timeoutMs ? 'deadline' : 'timeout'), ms)
  }
  if (isInline) limit()
  else timer = stopAtDeadline(attempt, deadlineAt)
  const run = isInline ? inline(attempt, job) : isolation.run(attempt, job)
  // A process may have to start first: that is none of the handler's time, though it is of the job's.
  if (!isInline) void run.began.then(limit)
  try {
    const first = await Promise.race([run.done, attempt.stopped])
    if (typeof first === 'object') return first
    const late = await waitAtMost(run.done, first === 'shutdown' ? SHUTDOWN_GRACE_MS : stopGraceMs)
    // A result in time for the shutdown is a result. After a timeout or a cancel it is not: it came too late.
    if (first === 'shutdown' && late && late.kind !== 'threw') return late
    const how = late ? 'cooperative' : await end(run, onAbandoned)
    return { kind: 'stopped', reason: first, how, timeoutMs }
  } finally {
    clearTimeout(timer)
  }
}

function stopAtDeadline(attempt: RunningAttempt, deadlineAt: number): NodeJS.Timeout | undefined {
  const leftMs = deadlineAt - Date.now()
  return leftMs > TIMER_MAX_MS ? undefined : setTimeout(() => attempt.stop('deadline'), leftMs)
}

/** Ends a handler that did not do so by itself, or goes on without it. */
async function end(run: Run, onAbandoned: PerformOptions['onAbandoned']): Promise<StopManner> {
  if (run.kill) {
    run.kill()
    const { kind } = await run.done
    return kind === 'stopped' ? 'killed' : 'cooperative'
  }
  onAbandoned(run.done)
  return 'abandoned'
}

const inline = (attempt: RunningAttempt, job: ReadableJob): Run => ({
  began: Promise.resolve(),
  done: call(job, createContext(attempt)),
})

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
