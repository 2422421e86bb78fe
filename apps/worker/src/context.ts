import { type JobContext, type JobLog, LIMITS } from '@foliot/jobs'
import type { RunningAttempt } from '@foliot/queue'
import { toJsonText } from './output.ts'

/** What a handler gets to know and to use of its attempt. */
export function createContext(attempt: RunningAttempt): JobContext {
  const { claim } = attempt
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
    log: createLog(attempt),
    progress: (value) => attempt.progress(toJsonText(value, LIMITS.progressBytes)),
  }
}

/** A line is `<time> <LEVEL> <message> <fields as JSON>`. */
function createLog(attempt: RunningAttempt): JobLog {
  const write =
    (level: string) =>
    (message: string, fields?: Record<string, unknown>): void => {
      const tail = fields === undefined ? '' : ` ${toJsonText(fields, LIMITS.logLineBytes)}`
      attempt.log(`${new Date().toISOString()} ${level} ${message}${tail}`)
    }
  return { debug: write('DEBUG'), info: write('INFO'), warn: write('WARN'), error: write('ERROR') }
}
