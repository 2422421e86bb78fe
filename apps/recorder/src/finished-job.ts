import type { FinishedJob } from '@foliot/history'
import { type FinishedEntry, finishedAttempts, textsOf, toJob } from '@foliot/queue'

/** What history keeps of a job that ended. Undefined if Redis no longer has the job. */
export function toFinishedJob({ stored, log }: FinishedEntry): FinishedJob | undefined {
  if (!stored) return undefined
  const job = toJob(stored)
  const { input, output } = textsOf(job)
  return {
    job,
    inputText: input,
    outputText: job.status === 'succeeded' ? output : null,
    attempts: finishedAttempts(stored),
    log,
  }
}
