import {
  FoliotError,
  isDeadLetter,
  isTerminal,
  type Job,
  type JobFailure,
  type JobStatus,
  LIMITS,
  truncate,
} from '@foliot/jobs'
import type { Redis } from 'ioredis'
import { parseCancelRequest } from '../attempts/cancel-request.ts'
import { maxAttemptsOf } from '../attempts/claim.ts'
import { BROKEN_ENVELOPE, type Envelope, NO_ENVELOPE, parseEnvelope, scheduleFields } from '../enqueue/envelope.ts'
import { bullKeys, jobKey, lockKey } from '../keys.ts'
import { keepTexts } from './job-texts.ts'
import { fingerprintOf } from './stored-fingerprint.ts'
import { timelineOf } from './timeline.ts'

/** A job's hash as Redis holds it, and the two facts beside it that its status needs. */
export interface StoredJob {
  queue: string
  id: string
  fields: Record<string, string>
  locked: boolean
  /** Its score in `delayed`: due time in ms x 4096. */
  delayedScore: string | null
}

/**
 * Reads a job in one round trip. Undefined if this queue has no such job, or its key holds something else.
 *
 * This is no transaction: Redis refuses those when it is full, even of reads. Whatever moves a job writes its hash in the
 * same step, so with the hash read last a job that ends meanwhile is shown as ended, and never, its lock being gone, as
 * one that waits. A job that starts meanwhile may be shown as waiting once more.
 */
export async function readStoredJob(redis: Redis, queue: string, id: string): Promise<StoredJob | undefined> {
  const replies = await redis
    .pipeline()
    .exists(lockKey(queue, id))
    .zscore(bullKeys(queue).delayed, id)
    .hgetall(jobKey(queue, id))
    .exec()
  if (!replies) throw new FoliotError('unavailable', 'Redis dropped the connection while a job was read')
  for (const [error] of replies) {
    if (error?.message.startsWith('WRONGTYPE')) return undefined
    if (error) throw error
  }
  const [locked, delayedScore, fields] = replies.map(([, value]) => value) as [
    number,
    string | null,
    Record<string, string>,
  ]
  return Object.keys(fields).length === 0 ? undefined : { queue, id, fields, locked: locked === 1, delayedScore }
}

/** The status follows from where the job is; `st` tells apart what one place can mean. */
export function statusOf({ fields, locked, delayedScore }: StoredJob): JobStatus {
  if (fields.finishedOn) {
    const ended = fields.st as JobStatus | undefined
    // A worker of plain BullMQ writes no status, and leaves one of an earlier attempt.
    if (ended !== undefined && isTerminal(ended)) return ended
    return fields.returnvalue === undefined ? 'failed' : 'succeeded'
  }
  if (locked) return 'running'
  if (delayedScore !== null) return fields.st === 'retrying' ? 'retrying' : 'scheduled'
  return 'queued'
}

/** A stored job as the REST API shows it. `textsOf` knows its input and output as they are stored. */
export function toJob(stored: StoredJob): Job {
  const { fields, id, queue } = stored
  const status = statusOf(stored)
  const envelope = envelopeOf(fields)
  // As in the timeline: a fetch that was under way when the job was added bears a time from before it.
  const startedAt = isoOf(
    fields.processedOn && String(Math.max(Number(fields.processedOn), numberOf(fields.timestamp))),
  )
  const finishedAt = isoOf(fields.finishedOn)
  const discardedAt = isoOf(fields.discardedAt)
  const cancelRequest = parseCancelRequest(fields.cx)
  const leftOut = numberOf(fields.eo)
  const input = readInput(fields.data)
  const output = readOutput(status, fields.returnvalue)
  const job: Job = {
    id,
    type: fields.name ?? '',
    version: envelope.version,
    queue,
    status,
    attempt: numberOf(fields.ats),
    attemptsUsed: numberOf(fields.atm),
    maxAttempts: maxAttemptsOf(parse<{ attempts?: number }>(fields.opts) ?? {}),
    priority: numberOf(fields.priority),
    progress: parse(fields.progress) ?? null,
    error: status === 'succeeded' ? null : failureOf(fields),
    labels: envelope.labels,
    tenant: envelope.tenant,
    ...scheduleFields(envelope),
    traceId: envelope.traceparent.split('-')[1] ?? '',
    createdAt: isoOf(fields.timestamp) ?? new Date(0).toISOString(),
    ...(envelope.runAt !== undefined && { runAt: new Date(envelope.runAt).toISOString() }),
    ...(startedAt && { startedAt }),
    ...(finishedAt && isTerminal(status) && { finishedAt }),
    ...(stored.delayedScore !== null && { nextAttemptAt: new Date(dueMs(stored.delayedScore)).toISOString() }),
    ...(envelope.deadlineAt !== undefined && { deadlineAt: new Date(envelope.deadlineAt).toISOString() }),
    ...(cancelRequest && !isTerminal(status) && { cancelRequestedAt: new Date(cancelRequest.at).toISOString() }),
    ...(discardedAt && isDeadLetter(status) && { discardedAt }),
    timeline: timelineOf(stored, status, envelope),
    ...(leftOut > 0 && { timelineLeftOut: leftOut }),
    input: input.value,
    output: output.value,
  }
  return keepTexts(job, { input: input.text, output: output.text })
}

/** Names of fields that the job's type keeps back, as of when it was enqueued. */
export const redactedFields = ({ fields }: StoredJob): readonly string[] => envelopeOf(fields).redact ?? []

/** BullMQ keeps a delayed job's due time in the upper bits of its score. */
const dueMs = (delayedScore: string): number => Math.floor(Number(delayedScore) / 4096)

function failureOf(fields: Record<string, string>): JobFailure | null {
  if (fields.failedReason === undefined) return null
  const stacks = parse(fields.stacktrace)
  const stack: unknown = Array.isArray(stacks) ? stacks.at(-1) : undefined
  return {
    name: fields.en ?? 'Error',
    message: truncate(fields.failedReason, LIMITS.errorMessageBytes),
    kind: fields.ek ?? 'error',
    fingerprint: fingerprintOf(fields),
    ...(typeof stack === 'string' && { stack: truncate(stack, LIMITS.errorStackBytes) }),
  }
}

// A field that somebody broke by hand must not keep the job from being shown.

const numberOf = (text: string | undefined): number => Number(text) || 0

function isoOf(ms: string | undefined): string | undefined {
  const date = new Date(Number(ms))
  return ms && !Number.isNaN(date.valueOf()) ? date.toISOString() : undefined
}

function envelopeOf({ env, dl }: Record<string, string>): Envelope {
  try {
    return env === undefined ? NO_ENVELOPE : parseEnvelope(env, dl)
  } catch {
    return BROKEN_ENVELOPE
  }
}

/** Undefined for what is no JSON. */
export function parse<T = unknown>(json: string | undefined): T | undefined {
  if (json === undefined) return undefined
  try {
    return JSON.parse(json) as T
  } catch {
    return undefined
  }
}

interface StoredValue {
  value: unknown
  /** JSON, whatever was stored. */
  text: string
}

const NULL: StoredValue = { value: null, text: 'null' }

/** An input that is no JSON is shown as the text it is. */
function readInput(text: string | undefined): StoredValue {
  if (text === undefined) return NULL
  const value = parse(text)
  return value === undefined ? { value: text, text: JSON.stringify(text) } : { value, text }
}

/** What a job that was cancelled has in its place is no output. */
function readOutput(status: JobStatus, text: string | undefined): StoredValue {
  const value = status === 'succeeded' ? parse(text) : undefined
  return value === undefined ? NULL : { value, text: text as string }
}
