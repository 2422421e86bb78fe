import { hostname } from 'node:os'
import { inspect } from 'node:util'
import { ERROR_KINDS, JobError, LIMITS, truncate, UnrecoverableError } from '@foliot/jobs'
import { resolveRetention, toJson } from './checks.ts'
import { RUN_ONCE_DEFAULTS } from './limits.ts'
import type { BeginOptions, FinishOptions, RunKey, RunOnceStore, RunRecord } from './run-once-store.ts'

/** Default of `owner`: the host and the process. */
export type RunOnceOptions = Partial<BeginOptions> & FinishOptions

/** What the function learns of the run that it performs. */
export interface OwnedRun {
  /** The fencing token: see `Started`. */
  readonly token: number
  /** Aborted when the lease runs out: from then on somebody else may run. */
  readonly signal: AbortSignal
}

/**
 * Runs `perform` unless the run has already completed: then gives the result that was kept, as JSON keeps it. An error
 * that says `retryable: false` is kept too; after any other one, the next call runs again.
 *
 * @throws what `perform` throws; UnrecoverableError if the run failed for good, earlier, or its result cannot be kept;
 *   JobError of the kind `in_progress`, with `retryAfterMs`, if another owner runs it; FoliotError as the store does,
 *   such as `conflict` if the lease ran out and another took over.
 */
export async function withRunOnce<T>(
  store: RunOnceStore,
  run: RunKey,
  perform: (owned: OwnedRun) => T | Promise<T>,
  options: RunOnceOptions = {},
): Promise<T> {
  const { owner = `${hostname()}:${process.pid}`, leaseMs = RUN_ONCE_DEFAULTS.leaseMs } = options
  // Refused before anything is done, not after.
  const kept = { retentionMs: resolveRetention(options) }
  const begun = await store.begin(run, { owner, leaseMs })
  if (begun.status !== 'started') return replay(begun) as T

  const { token } = begun
  let result: T
  try {
    result = await perform({ token, signal: AbortSignal.timeout(leaseMs) })
    assertKeepable(result)
  } catch (thrown) {
    try {
      await store.fail(run, token, describe(thrown), { ...kept, retryable: isRetryable(thrown) })
    } catch {
      // What was thrown matters more than that it could not be written down: the lease ends the run all the same.
    }
    throw thrown
  }
  await store.complete(run, token, result, kept)
  return result
}

function replay(run: RunRecord): unknown {
  if (run.status === 'completed') return run.result
  if (run.status === 'failed') {
    const { message } = (run.error ?? {}) as { message?: unknown }
    throw new UnrecoverableError(`the run failed before, for good: ${message ?? inspect(run.error)}`, {
      cause: run.error,
    })
  }
  const { owner, retryAfterMs } = run
  throw new JobError(`the run is in progress by ${owner}, for ${retryAfterMs} ms at most`, {
    kind: 'in_progress',
    retryAfterMs,
  })
}

/** What `perform` did is done: were the run open again, it would be done twice. */
function assertKeepable(result: unknown): void {
  try {
    toJson('result', result)
  } catch (cause) {
    throw new UnrecoverableError((cause as Error).message, { kind: ERROR_KINDS.invalid_output, cause })
  }
}

const describe = (thrown: unknown): { name: string; message: string } => ({
  name: thrown instanceof Error ? thrown.name : 'NonError',
  message: truncate(thrown instanceof Error ? thrown.message : inspect(thrown), LIMITS.errorMessageBytes),
})

/** By its shape, because a job pack may bring its own copy of `JobError`. */
const isRetryable = (thrown: unknown): boolean =>
  !(thrown instanceof Error && 'retryable' in thrown && thrown.retryable === false)
