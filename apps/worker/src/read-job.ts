import { type AnyJobDefinition, ERROR_KINDS, type Handler, UnrecoverableError } from '@foliot/jobs'
import type { Claim, Settlement } from '@foliot/queue'
import type { Runnables } from './job-packs.ts'
import { describeProblems } from './schema-problems.ts'

/** A claimed job that its handler may see. */
export interface ReadableJob {
  readonly kind: 'readable'
  readonly definition: AnyJobDefinition
  readonly handler: Handler
  /** The input as the schema gives it. */
  readonly input: unknown
}

/** A job for another worker: it is put off until one comes. */
export interface NotHere {
  readonly kind: 'not_here'
  readonly settlement: Settlement
}

const PASS_ON_AFTER_MS = 5000
/** How often a job is passed on to a worker that knows its type, in this version, until it is put off for something else: for about an hour. */
const MOST_PASSES = 720

/**
 * Finds the handler of a claimed job and checks its input.
 *
 * @throws UnrecoverableError `unreadable`, `invalid_input`, or `unknown_type` after about an hour of looking.
 */
export async function readJob(
  claim: Claim,
  runnables: Runnables,
  random: () => number,
): Promise<ReadableJob | NotHere> {
  if (claim.unreadable !== undefined) {
    throw new UnrecoverableError(`the stored job cannot be read: ${claim.unreadable}`, { kind: ERROR_KINDS.unreadable })
  }
  const runnable = runnables.get(claim.type)
  if (!runnable || claim.envelope.version > runnable.definition.version) return passOn(claim, random)
  const { definition, handler } = runnable
  const result = await definition.input['~standard'].validate(claim.input)
  if (result.issues) {
    throw new UnrecoverableError(`the input does not fit its schema: ${describeProblems(result.issues)}`, {
      kind: ERROR_KINDS.invalid_input,
    })
  }
  return { kind: 'readable', definition, handler, input: result.value }
}

function passOn({ type, envelope, passes }: Claim, random: () => number): NotHere {
  const wanted = `job type "${type}" in version ${envelope.version}`
  // How old the job is says nothing, it may have waited long; nor how often it was started, it may snooze for years.
  if (passes >= MOST_PASSES) {
    throw new UnrecoverableError(`no worker of this queue ran ${wanted}, after ${MOST_PASSES} of them were asked`, {
      kind: ERROR_KINDS.unknown_type,
    })
  }
  const delayMs = PASS_ON_AFTER_MS * (0.8 + 0.4 * random())
  const reason = `this worker has no handler for ${wanted}`
  return {
    kind: 'not_here',
    settlement: { kind: 'snoozed', delayMs: Math.round(delayMs), reason, passes: passes + 1 },
  }
}
