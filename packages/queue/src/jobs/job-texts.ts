import type { Job } from '@foliot/jobs'

/** Input and output of a job as JSON text. */
export interface JobTexts {
  /** As it was sent. */
  input: string
  /** As the worker stored it; `null` until the job succeeded. */
  output: string
}

const TEXTS = Symbol('texts')

/**
 * Keeps beside a job what its parsed input and output no longer tell: the order of keys, and how a number was written. A
 * copy of the job has no texts, so one without its secrets does not carry them along.
 */
export function keepTexts<J extends Job>(job: J, texts: JobTexts): J {
  return Object.defineProperty(job, TEXTS, { value: texts })
}

/** @throws TypeError for a job that is no longer the object that this package gave. */
export function textsOf(job: Job): JobTexts {
  const texts = (job as { [TEXTS]?: JobTexts })[TEXTS]
  if (!texts) throw new TypeError(`expected the job ${job.id} as it was read, got a copy, which has no texts`)
  return texts
}
