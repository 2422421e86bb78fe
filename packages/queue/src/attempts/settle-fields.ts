import { type JobFailure, truncate } from '@foliot/jobs'
import { cancellation } from '../jobs/timeline.ts'
import { type AttemptRecord, attemptField, RECORD_MESSAGE_BYTES } from './attempt-record.ts'
import type { Claim } from './claim.ts'
import type { Settlement } from './settlement.ts'

/** What is written to a job's hash when an attempt ends so. */

/** An end that ends the job. */
export type Final = Extract<Settlement, { kind: 'succeeded' | 'cancelled' | 'dead' }>

/** Where BullMQ puts jobs that have ended, and the field in which it keeps what came of them. */
export const BULL_ENDS = { completed: 'returnvalue', failed: 'failedReason' } as const

export interface BullEnd {
  target: keyof typeof BULL_ENDS
  outcome: string
}

export function bullEndOf(settlement: Final): BullEnd {
  switch (settlement.kind) {
    case 'succeeded':
      return { target: 'completed', outcome: settlement.output }
    case 'cancelled':
      return { target: 'completed', outcome: cancellation(settlement) }
    case 'dead':
      return { target: 'failed', outcome: settlement.failure.message }
  }
}

/** Fields of the hash, but for the attempts used, the passes and the attempt's record. */
export function fieldsOf(settlement: Exclude<Settlement, { kind: 'handed_back' }>): Record<string, string> {
  switch (settlement.kind) {
    case 'succeeded':
    case 'cancelled':
      return { st: settlement.kind }
    case 'dead':
      return { st: settlement.status, ...failureFields(settlement.failure) }
    case 'retry':
      return { st: 'retrying', ...failureFields(settlement.failure) }
    case 'snoozed':
      return { st: 'scheduled' }
  }
}

/** The last failure, where BullMQ and its board look for it, and what they have no field for. */
function failureFields({ name, kind, message, stack, fingerprint }: JobFailure): Record<string, string> {
  return {
    failedReason: message,
    stacktrace: JSON.stringify(stack ? [stack] : []),
    en: name,
    ek: kind,
    ...(fingerprint !== undefined && { fp: fingerprint }),
  }
}

/** The record of an attempt as its job's hash keeps it. */
export interface StoredRecord {
  field: string
  /** JSON text. Undefined for an attempt that needs no record. */
  text: string | undefined
}

/** @param now when the attempt ended, in ms since 1970 */
export function recordOf(claim: Claim, now: number, settlement: Settlement): StoredRecord {
  const record = toRecord(claim, now, settlement)
  return { field: attemptField(claim.attempt), text: record && JSON.stringify(record) }
}

function toRecord(claim: Claim, now: number, settlement: Settlement): AttemptRecord | undefined {
  if (settlement.kind === 'succeeded' || settlement.kind === 'cancelled') return undefined
  const base = { n: claim.attempt, worker: claim.worker, start: claim.startedAt, end: now, reason: settlement.reason }
  switch (settlement.kind) {
    case 'dead':
      return { ...base, outcome: settlement.status, error: toRecordError(settlement.failure) }
    case 'retry': {
      const nextAt = now + settlement.delayMs
      return { ...base, outcome: settlement.outcome, error: toRecordError(settlement.failure), nextAt }
    }
    case 'snoozed':
      return { ...base, outcome: 'snoozed', nextAt: now + settlement.delayMs }
    case 'handed_back':
      return { ...base, outcome: 'handed_back' }
  }
}

const toRecordError = ({ name, message, kind }: JobFailure) => ({
  name,
  message: truncate(message, RECORD_MESSAGE_BYTES),
  kind,
})
