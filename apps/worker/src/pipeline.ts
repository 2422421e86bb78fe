import { type AnyJobDefinition, JobError, outcomeKind } from '@foliot/jobs'
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
    await attempt.flushLog()
    return await settle(performed, claim, definition, deps.random)
  } catch (thrown) {
    return fail(classifyError(thrown), claim, definition, deps.random)
  }
}

async function settle(
  performed: Performed,
  claim: Claim,
  definition: AnyJobDefinition,
  random: () => number,
): Promise<Settlement> {
  switch (performed.kind) {
    case 'threw':
      return fail(classifyError(performed.thrown), claim, definition, random)
    case 'stopped':
      if (performed.reason === 'timeout') {
        const error = new JobError(`the attempt took longer than ${performed.timeoutMs} ms`, { kind: 'timeout' })
        return fail({ ...classifyError(error), name: 'TimeoutError' }, claim, definition, random)
      }
      // Also for a lost job: whoever has it now decides, and this settlement is not made.
      return { kind: 'handed_back', reason: 'the worker is shutting down' }
    case 'returned':
      return { kind: 'succeeded', output: await toOutput(performed.value, definition) }
    case 'outcome': {
      const { outcome } = performed
      const kind = outcomeKind(outcome)
      if (kind === 'snooze' && 'ms' in outcome) {
        return { kind: 'snoozed', delayMs: outcome.ms, reason: `the handler asked for ${outcome.ms} ms` }
      }
      if (kind === 'cancel' && 'reason' in outcome) return { kind: 'cancelled', reason: outcome.reason }
      return { kind: 'succeeded', output: await toOutput('value' in outcome ? outcome.value : null, definition) }
    }
  }
}

/** A failure for good or for now. A job that could not be read has no definition, and no retry would mend it. */
function fail(
  error: ClassifiedError,
  claim: Claim,
  definition: AnyJobDefinition | undefined,
  random: () => number,
): Settlement {
  const { name, message, kind, stack } = error
  const failure = { name, message, kind, ...(stack !== undefined && { stack }) }
  const timedOut = kind === 'timeout'
  const decision = definition
    ? decideRetry({
        policy: definition.retry,
        maxAttempts: claim.maxAttempts,
        attemptsUsed: claim.attemptsUsed + 1,
        error,
        random,
      })
    : ({ kind: 'dead', reason: `not retried: ${kind}` } as const)
  if (decision.kind === 'dead') {
    return { kind: 'dead', status: timedOut ? 'timed_out' : 'failed', failure, reason: decision.reason }
  }
  return {
    kind: 'retry',
    outcome: timedOut ? 'timed_out' : 'failed',
    failure,
    reason: decision.reason,
    delayMs: decision.delayMs,
  }
}
