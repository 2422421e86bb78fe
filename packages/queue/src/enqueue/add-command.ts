import { createHash } from 'node:crypto'
import { newJobId } from '@foliot/jobs'
import { Packr } from 'msgpackr'
import {
  type BullKeys,
  bullBase,
  bullKeys,
  deadlinesKey,
  dedupeKey,
  idempotencyKey,
  indexKey,
  openJobsKey,
  takesKey,
} from '../keys.ts'
import type { Arg } from '../redis/scripts.ts'
import type { ScriptCall } from '../redis/send-scripts.ts'
import type { Envelope, ScheduleOrigin } from './envelope.ts'

/** A job to be stored. Everything is already checked: this package does not know job types. */
export interface NewJob {
  type: string
  queue: string
  version: number
  tenant: string
  input: unknown
  /** `input` as JSON text, which is what is stored. */
  inputText: string
  maxAttempts: number
  /** 0 runs first. */
  priority: number
  labels: Record<string, string>
  traceparent: string
  /** Names of fields of the input and the output that logs and the history must not show. */
  redact?: readonly string[]
  /** ms since 1970; what `runAt` and `deadlineAt` were reckoned from. */
  createdAt: number
  /** Overrides the type's. */
  timeoutMs?: number
  /** The earliest start in ms since 1970. */
  runAt?: number
  /** When it has to have ended, in ms since 1970. Default: never. */
  deadlineAt?: number
  idempotency?: { key: string; fingerprint: string }
  /** At most one live job has the key, per tenant, queue and type. It is free again when the job ends, or after `ttlMs`. */
  dedupe?: { key: string; ttlMs?: number | undefined }
  /** The job is refused if so many wait in its queue already, for their time or their turn. */
  maxDepth?: number
  /** The job is refused if so many of its tenant's in this queue have not ended, of those that were enqueued with a quota. */
  tenantQuota?: number
  /** The schedule on whose behalf it is made. */
  schedule?: ScheduleOrigin
  /** Whether to answer only when it is on the disk of Redis. */
  durability?: 'fsync'
}

/** For how long an idempotency key answers with its first job. */
export const IDEMPOTENCY_TTL_MS = 24 * 60 * 60 * 1000

/** A call of `add-job.lua`, and what it stores. */
export interface AddCommand extends ScriptCall {
  id: string
  envelope: Envelope
  delayMs: number
  job: NewJob
  /** Key of the idempotency record. */
  record?: string
}

const { pack } = new Packr({ useRecords: false, encodeUndefinedAsNil: true })

/** Chooses BullMQ's add script for the job and lays out its arguments as BullMQ's own client does; then come ours. */
export function toAddCommand(job: NewJob): AddCommand {
  const { createdAt } = job
  const id = newJobId(createdAt)
  const delayMs = job.runAt === undefined ? 0 : Math.max(0, Math.ceil(job.runAt - createdAt))
  const script = delayMs > 0 ? 'addDelayedJob' : job.priority > 0 ? 'addPrioritizedJob' : 'addStandardJob'
  const envelope = toEnvelope(job)
  const { queue, idempotency, dedupe, maxDepth, deadlineAt, tenantQuota } = job
  const base = bullBase(queue)
  const digest = dedupe && digestOf(job.tenant, job.type, dedupe.key)
  const keyOfDedupe = digest && dedupeKey(queue, digest)
  const args: Arg[] = [
    // prefix, id, name, timestamp; no parent, no scheduler; deduplication
    pack([base, id, job.type, createdAt, null, null, undefined, undefined, keyOfDedupe ?? null, null]),
    job.inputText,
    packOptions(job, delayMs, digest),
    JSON.stringify(envelope),
  ]
  const command: AddCommand = {
    script,
    sharedKeys: addKeys(queue)[script],
    keys: [],
    args,
    id,
    envelope,
    delayMs,
    job,
  }
  const more = [dedupe, maxDepth, deadlineAt, tenantQuota].some((option) => option !== undefined)
  if (!idempotency && !more) return command
  args.push(id, createdAt, idempotency?.fingerprint ?? '', idempotency ? IDEMPOTENCY_TTL_MS : '')
  if (more) args.push(base, maxDepth ?? '', dedupe ? '1' : '')
  if (deadlineAt !== undefined || tenantQuota !== undefined) args.push(deadlineAt ?? '')
  if (tenantQuota !== undefined) args.push(tenantQuota)
  const record = idempotency && idempotencyKey(queue, digestOf(job.tenant, idempotency.key))
  const takes = maxDepth === undefined ? undefined : takesKey(queue)
  const deadlines = deadlineAt === undefined ? undefined : deadlinesKey(queue)
  const open = tenantQuota === undefined ? undefined : openJobsKey(queue, job.tenant)
  const keys = [takes, record, keyOfDedupe, deadlines, open]
  return { ...command, ...(record && { record }), keys: keys.filter((key) => key !== undefined) }
}

/** A digest, because a caller's text must never shape a key. */
const digestOf = (...parts: string[]): string => createHash('sha256').update(parts.join('\0')).digest('base64url')

const addKeysByQueue = new Map<string, ReturnType<typeof listAddKeys>>()

function addKeys(queue: string): ReturnType<typeof listAddKeys> {
  let keys = addKeysByQueue.get(queue)
  if (!keys) {
    keys = listAddKeys(bullKeys(queue), indexKey(queue))
    addKeysByQueue.set(queue, keys)
  }
  return keys
}

const listAddKeys = (k: BullKeys, index: string) => ({
  addStandardJob: [k.wait, k.paused, k.meta, k.id, k.completed, k.delayed, k.active, k.events, k.marker, index],
  addDelayedJob: [k.marker, k.meta, k.id, k.delayed, k.completed, k.events, index],
  addPrioritizedJob: [k.marker, k.meta, k.id, k.prioritized, k.delayed, k.completed, k.active, k.events, k.pc, index],
})

function packOptions({ maxAttempts, priority, dedupe }: NewJob, delayMs: number, digest: string | undefined): Buffer {
  if (delayMs === 0 && priority === 0 && !dedupe) return packAttempts(maxAttempts)
  return pack({
    attempts: maxAttempts,
    ...(delayMs > 0 && { delay: delayMs }),
    ...(priority > 0 && { priority }),
    ...(dedupe && { de: { id: digest, ...(dedupe.ttlMs !== undefined && { ttl: dedupe.ttlMs }) } }),
  })
}

/** Most jobs have no other option, and few numbers of attempts are in use. */
const packedAttempts: Buffer[] = []
const packAttempts = (attempts: number): Buffer => (packedAttempts[attempts] ??= pack({ attempts }))

function toEnvelope(job: NewJob): Envelope {
  const { version, tenant, labels, traceparent, redact, timeoutMs, runAt, deadlineAt, schedule } = job
  return {
    version,
    tenant,
    labels,
    traceparent,
    ...(redact && redact.length > 0 && { redact }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(runAt !== undefined && { runAt }),
    ...(deadlineAt !== undefined && { deadlineAt }),
    ...(schedule && { schedule }),
  }
}
