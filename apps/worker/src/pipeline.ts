import { type AnyJobDefinition, ERROR_KINDS, JobError, LIMITS, outcomeKind, truncate } from '@foliot/jobs'
import type { Claim, RunningAttempt, Settlement } from '@foliot/queue'
import { type ClassifiedError, classifyError, decideRetry } from '@foliot/retries'
import type { Runnables } from './job-packs.ts'
import { toOutput } from './output.ts'
import { type Performed, perform } from './perform.ts'
import { readJob } from './read-job.ts'

/** What the pipeline needs to know of its worker. */
export interface PipelineDeps {
  runnables: Runnables
  /** How long a handler may go on after it was told to stop, in milliseconds. */
  stopGraceMs: number
  random: () => number
  /** Whether an error that nobody caught is ending the process. Any of the jobs that run may have caused it. */
  isBroken: () => boolean
  /** Told when Redis refused lines of a job's log. They are lost; the attempt ends as it would have. */
  onLogRefused: (claim: Claim, error: Error) => void
}

/**
 * Runs one attempt, from the claim to how it ended: read → perform → classify. Never rejects: whatever is thrown on the
 * way is an end of the attempt.
 */
export async function runAttempt(attempt: RunningAttempt, deps: PipelineDeps): Promise<Settlement> {
  const { claim } = attempt
  let definition: AnyJobDefinition | undefined
  try {
    const readable = await readJob(claim, deps.runnables, deps.random)
    if (readable.kind === 'not_here') return readable.settlement
    definition = readable.definition
    const performed = await perform(attempt, readable, deps.stopGraceMs)
    await attempt.flushLog().catch((error: Error) => deps.onLogRefused(claim, error))
    return await settle(performed, { claim, definition, deps })
  } catch (thrown) {
    return fail(classifyError(thrown), { claim, definition, deps })
  }
}

/** What is known of the attempt that ended. */
interface Ended {
  claim: Claim
  /** Undefined if the job could not be read. */
  definition: AnyJobDefinition | undefined
  deps: PipelineDeps
}

async function settle(performed: Performed, ended: Ended & { definition: AnyJobDefinition }): Promise<Settlement> {
  const { definition } = ended
  switch (performed.kind) {
    case 'threw':
      return fail(classifyError(performed.thrown), ended)
    case 'stopped':
      return settleStopped(performed, ended)
    case 'returned':
      return { kind: 'succeeded', output: await toOutput(performed.value, definition) }
    case 'outcome': {
      const { outcome } = performed
      const kind = outcomeKind(outcome)
      if (kind === 'snooze' && 'ms' in outcome) {
        const delayMs = Math.min(outcome.ms, LIMITS.runAheadMs)
        const cut = delayMs < outcome.ms ? `, the most is ${delayMs} ms` : ''
        return { kind: 'snoozed', delayMs, reason: `the handler asked for ${outcome.ms} ms${cut}` }
      }
      if (kind === 'cancel' && 'reason' in outcome) {
        return { kind: 'cancelled', reason: truncate(String(outcome.reason), LIMITS.errorMessageBytes) }
      }
      return { kind: 'succeeded', output: await toOutput('value' in outcome ? outcome.value : null, definition) }
    }
  }
}

function settleStopped({ reason, timeoutMs }: Performed & { kind: 'stopped' }, ended: Ended): Settlement {
  switch (reason) {
    case 'timeout': {
      const error = new JobError(`the attempt took longer than ${timeoutMs} ms`, { kind: ERROR_KINDS.timeout })
      return fail({ ...classifyError(error), name: 'TimeoutError' }, ended, 'timed_out')
    }
    case 'shutdown':
      if (ended.deps.isBroken()) {
        // Handed back, a job that breaks its process would break one after the other, for ever.
        const message = 'an error that nobody caught ended the process while it ran this attempt'
        return fail(classifyError(new JobError(message, { kind: ERROR_KINDS.crashed })), ended)
      }
      return { kind: 'handed_back', reason: 'the worker is shutting down' }
    case 'lost':
      // Whoever has the job now decides: the consumer does not make this move.
      return { kind: 'handed_back', reason: 'the job has another owner now' }
  }
}

/** A failure for good or for now. A job that could not be read has no definition, and no retry would mend it. */
function fail(
  error: ClassifiedError,
  { claim, definition, deps }: Ended,
  outcome: 'failed' | 'timed_out' = 'failed',
): Settlement {
  const { name, message, kind, stack } = error
  const failure = { name, message, kind, ...(stack !== undefined && { stack }) }
  const decision = definition
    ? decideRetry({
        policy: definition.retry,
        maxAttempts: claim.maxAttempts,
        attemptsUsed: claim.attemptsUsed + 1,
        error,
        random: deps.random,
      })
    : ({ kind: 'dead', reason: `not retried: ${kind}` } as const)
  const { reason } = decision
  if (decision.kind === 'dead') return { kind: 'dead', status: outcome, failure, reason }
  return { kind: 'retry', outcome, failure, reason, delayMs: decision.delayMs }
}
