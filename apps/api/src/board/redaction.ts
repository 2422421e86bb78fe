import type { Job, JobType } from '@foliot/jobs'

const REDACTED = '[redacted]'

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

function redact(value: unknown, names: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((item) => redact(item, names))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, names.has(name) ? REDACTED : redact(item, names)]),
  )
}
