import { inspect } from 'node:util'
import { type JobContext, type JobLog, LIMITS, masker, redact } from '@foliot/jobs'
import type { RunningAttempt } from '@foliot/queue'
import { toJsonText } from './output.ts'
import { Steps } from './steps.ts'

/** What a context needs of an attempt, which may be held by another process. */
export type HandlerAttempt = Pick<RunningAttempt, 'claim' | 'signal' | 'log' | 'progress' | 'keepStep'>

/** What a handler gets to know and to use of its attempt. */
export function createContext(attempt: HandlerAttempt): JobContext {
  const { claim } = attempt
  // Most handlers use little of it. What is to be masked is read before a handler can change the input.
  let log = claim.envelope.redact && createLog(attempt)
  let steps: Steps | undefined
  return {
    jobId: claim.id,
    type: claim.type,
    queue: claim.queue,
    tenant: claim.envelope.tenant,
    labels: claim.envelope.labels,
    attempt: claim.attempt,
    maxAttempts: claim.maxAttempts,
    get scheduledFor() {
      return new Date(claim.scheduledFor)
    },
    get signal() {
      return attempt.signal
    },
    get log() {
      log ??= createLog(attempt)
      return log
    },
    step: (name, fn) => {
      steps ??= new Steps(attempt)
      return steps.run(name, fn)
    },
    progress: async (value) =>
      attempt.progress(toJsonText(redact(value, new Set(claim.envelope.redact)), LIMITS.progressBytes)),
  }
}

/** A line is `<time> <LEVEL> <message> <fields as JSON>`, without what the type keeps back. */
function createLog(attempt: Pick<HandlerAttempt, 'claim' | 'log'>): JobLog {
  const secret = new Set(attempt.claim.envelope.redact)
  const mask = masker(attempt.claim.input, secret)
  const write =
    (level: string) =>
    (message: string, fields?: Record<string, unknown>): void => {
      const tail = fields === undefined ? '' : ` ${describe(redact(fields, secret) as object)}`
      attempt.log(`${new Date().toISOString()} ${level} ${mask(message + tail)}`)
    }
  return { debug: write('DEBUG'), info: write('INFO'), warn: write('WARN'), error: write('ERROR') }
}

/** Fields that JSON cannot say (a cycle, a BigInt) are shown as Node shows them: a log line must not fail the job. */
function describe(fields: object): string {
  try {
    return toJsonText(fields, LIMITS.logLineBytes)
  } catch {
    return inspect(fields, { breakLength: Number.POSITIVE_INFINITY, customInspect: false })
  }
}
