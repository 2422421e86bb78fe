import { type Job, type JobType, redact } from '@foliot/jobs'

/**
 * A job as a board may show it: without the fields that its type keeps from boards, at any depth of input and output.
 * What a type that nobody announces any more would keep back is unknown, so all of it is.
 */
export function redactJob(job: Job, types: ReadonlyMap<string, JobType>): Job {
  const secret = types.get(job.type)?.redact
  if (secret === undefined) {
    const hidden = `[hidden: no worker has announced ${job.type}, so what may be shown is unknown]`
    return { ...job, input: hidden, output: job.output === null ? null : hidden }
  }
  if (secret.length === 0) return job
  const names = new Set(secret)
  return { ...job, input: redact(job.input, names), output: redact(job.output, names) }
}
