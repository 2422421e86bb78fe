import type { FinishedJob } from '@foliot/history'
import { type Job, redact } from '@foliot/jobs'
import { type FinishedEntry, finishedAttempts, redactedFields, textsOf, toJob } from '@foliot/queue'

/** What history keeps of a job that ended. Undefined if Redis no longer has the job. */
export function toFinishedJob({ stored, log }: FinishedEntry): FinishedJob | undefined {
  if (!stored) return undefined
  return {
    ...withoutSecrets(toJob(stored), redactedFields(stored)),
    attempts: finishedAttempts(stored),
    log,
    linesWritten: Math.max(Number(stored.fields.ln) || 0, log.length),
  }
}

type Shown = Pick<FinishedJob, 'job' | 'inputText' | 'outputText'>

/** A job without what its type keeps back. Where there is something, its input and output are written anew. */
function withoutSecrets(job: Job, names: readonly string[]): Shown {
  const succeeded = job.status === 'succeeded'
  if (names.length === 0) {
    const { input, output } = textsOf(job)
    return { job, inputText: input, outputText: succeeded ? output : null }
  }
  const secret = new Set(names)
  const [input, output, progress] = [job.input, job.output, job.progress].map((value) => redact(value, secret))
  return {
    job: { ...job, input, output, progress },
    inputText: JSON.stringify(input),
    outputText: succeeded ? JSON.stringify(output) : null,
  }
}
