import { ATTEMPT_FIELDS, type AttemptRecord } from '../attempts/attempt-record.ts'
import { type StoredJob, statusOf } from '../jobs/job-hash.ts'

/** One attempt at a job. Times are in ms since 1970. */
export interface FinishedAttempt extends Pick<AttemptRecord, 'worker' | 'error' | 'reason'> {
  attempt: number
  startedAt: number
  endedAt: number
  outcome: AttemptRecord['outcome'] | 'succeeded' | 'cancelled'
}

/** The attempts at a job that has ended, oldest first. Of very many the first three and the last seventeen are told. */
export function finishedAttempts(stored: StoredJob): FinishedAttempt[] {
  const { fields } = stored
  const told = ATTEMPT_FIELDS.flatMap((field) => readRecord(fields[field]) ?? []).sort((a, b) => a.attempt - b.attempt)
  const attempt = Number(fields.ats) || 0
  const status = statusOf(stored)
  // The last one has no record if it ended the job without a failure: the job itself tells of it.
  const isTold = attempt === 0 || told.at(-1)?.attempt === attempt
  if (isTold || (status !== 'succeeded' && status !== 'cancelled')) return told
  const endedAt = Number(fields.finishedOn) || 0
  const startedAt = Math.min(Number(fields.processedOn) || endedAt, endedAt)
  return [...told, { attempt, worker: fields.pb ?? '', startedAt, endedAt, outcome: status }]
}

/** Undefined for no record, or one that was broken by hand. */
function readRecord(text: string | undefined): FinishedAttempt | undefined {
  if (text === undefined) return undefined
  try {
    const { n: attempt, start: startedAt, end: endedAt, nextAt: _, ...rest } = JSON.parse(text) as AttemptRecord
    return { attempt, startedAt, endedAt, ...rest }
  } catch {
    return undefined
  }
}
