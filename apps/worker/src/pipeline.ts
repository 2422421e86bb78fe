import {
  type AnyJobDefinition,
  ERROR_KINDS,
  JobError,
  LIMITS,
  masker,
  outcomeKind,
  truncate,
  UnrecoverableError,
} from '@foliot/jobs'
import {
  type CancelRequest,
  type Claim,
  heedCancel,
  type RunningAttempt,
  type Settlement,
  STOP_MANNERS,
} from '@foliot/queue'
import { type ClassifiedError, classifyError, decideRetry, fingerprint } from '@foliot/retries'
import type { Runnables } from './job-packs.ts'
import { toOutput } from './output.ts'
import { type Performed, type PerformOptions, perform } from './perform.ts'
import { readJob } from './read-job.ts'

/** What the pipeline needs to know of its worker. */
export interface PipelineDeps extends PerformOptions {
  runnables: Runnables
  random: () => number
  /** Whether an error that nobody caught is ending the process. Any of the jobs that run may have caused it. */
  isBroken: () => boolean
  /** Told when Redis refused lines of a job's log. They are lost; the attempt ends as it would have. */
  onLogRefused: (claim: Claim, error: Error) => void
}

/**
 * Runs one attempt, from the claim to how it ended: cancel → read → deadline → perform → classify. Never rejects: whatever
 * is thrown on the way is an end of the attempt.
 */
export async function runAttempt(attempt: RunningAttempt, deps: PipelineDeps): Promise<Settlement> {
  const settlement = await runToEnd(attempt, deps)
  // It may be cancelled when it was told to stop for something else already.
  return attempt.cancelRequest ? heedCancel(settlement, attempt.cancelRequest) : settlement
}

async function runToEnd(attempt: RunningAttempt, deps: PipelineDeps): Promise<Settlement> {
  const { claim } = attempt
  const mask = maskOf(claim)
  let definition: AnyJobDefinition | undefined
  try {
    if (claim.cancelRequest) return cancelled(claim.cancelRequest)
    const readable = await readJob(claim, deps.runnables, deps.random)
    if (readable.kind === 'not_here') return readable.settlement
    definition = readable.definition
    if (isOverdue(claim))
      return overdue('the deadline of the job passed while it waited', { claim, definition, deps, mask })
    const performed = await perform(attempt, readable, deps)
    await attempt.flushLog().catch((error: Error) => deps.onLogRefused(claim, error))
    return await settle(performed, attempt.cancelRequest, { claim, definition, deps, mask })
  } catch (thrown) {
    return fail(classifyError(thrown), { claim, definition, deps, mask })
  }
}

const cancelled = ({ by, reason }: CancelRequest) => ({ kind: 'cancelled', by, reason }) as const

/** Whether a job has waited beyond its deadline: no attempt could end in time. */
const isOverdue = ({ envelope: { deadlineAt = Number.POSITIVE_INFINITY } }: Claim): boolean => Date.now() >= deadlineAt

type Failed = Extract<Settlement, { kind: 'dead' | 'retry' }>

/** What is known of the attempt that ended. */
interface Ended {
  claim: Claim
  /** Undefined if the job could not be read. */
  definition: AnyJobDefinition | undefined
  deps: PipelineDeps
  mask: (text: string) => string
}

async function settle(
  performed: Performed,
  cancelRequest: CancelRequest | undefined,
  ended: Ended & { definition: AnyJobDefinition },
): Promise<Settlement> {
  const { definition } = ended
  switch (performed.kind) {
    case 'threw':
      return fail(classifyError(performed.thrown), ended)
    case 'stopped':
      return { ...settleStopped(performed, cancelRequest, ended), how: performed.how }
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
        const reason = ended.mask(String(outcome.reason))
        return { kind: 'cancelled', by: 'handler', reason: truncate(reason, LIMITS.errorMessageBytes) }
      }
      return { kind: 'succeeded', output: await toOutput('value' in outcome ? outcome.value : null, definition) }
    }
  }
}

function settleStopped(
  { reason, how, timeoutMs }: Performed & { kind: 'stopped' },
  cancelRequest: CancelRequest | undefined,
  ended: Ended,
): Failed | Extract<Settlement, { kind: 'cancelled' | 'handed_back' }> {
  switch (reason) {
    case 'timeout': {
      const message = `the attempt took longer than ${timeoutMs} ms; ${STOP_MANNERS[how]}`
      const error = new JobError(message, { kind: ERROR_KINDS.timeout })
      return fail({ ...classifyError(error), name: 'TimeoutError' }, ended, 'timed_out')
    }
    case 'deadline':
      return overdue(`the deadline of the job passed while it ran; ${STOP_MANNERS[how]}`, ended)
    case 'cancel':
      return cancelled(cancelRequest as CancelRequest)
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

function overdue(message: string, ended: Ended): Failed {
  const error = new UnrecoverableError(message, { kind: ERROR_KINDS.deadline })
  return fail({ ...classifyError(error), name: 'TimeoutError' }, ended, 'timed_out')
}

/** Takes out of a text what the job's type keeps back of its input. To be made before a handler can change that. */
const maskOf = ({ input, envelope: { redact } }: Claim): Ended['mask'] =>
  redact ? masker(input, new Set(redact)) : (text) => text

/** A failure for good or for now. A job that could not be read has no definition, and no retry would mend it. */
function fail(
  error: ClassifiedError,
  { claim, definition, deps, mask }: Ended,
  outcome: 'failed' | 'timed_out' = 'failed',
): Failed {
  const { name, kind } = error
  const message = mask(error.message)
  const thrown = { name, message, kind, ...(error.stack !== undefined && { stack: mask(error.stack) }) }
  const failure = { ...thrown, fingerprint: fingerprint(claim.type, thrown) }
  const decision = definition
    ? decideRetry({
        policy: definition.retry,
        maxAttempts: claim.maxAttempts,
        attemptsUsed: claim.attemptsUsed + 1,
        error,
        random: deps.random,
        deadline: claim.envelope.deadlineAt,
        now: Date.now(),
      })
    : ({ kind: 'dead', reason: `not retried: ${kind}` } as const)
  const { reason } = decision
  if (decision.kind === 'dead') return { kind: 'dead', status: outcome, failure, reason }
  return { kind: 'retry', outcome, failure, reason, delayMs: decision.delayMs }
}
