import { createHash } from 'node:crypto'
import { FoliotError, type Job, newJobId } from '@foliot/jobs'
import type { Redis } from 'ioredis'
import { Packr } from 'msgpackr'
import type { Envelope } from './envelope.ts'
import { readStoredJob, toJob } from './job-hash.ts'
import { type BullKeys, bullBase, bullKeys, idempotencyKey } from './keys.ts'
import type { Arg } from './scripts.ts'
import { type ScriptCall, sendScript, sendScripts } from './send-scripts.ts'

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
  /** Overrides the type's. */
  timeoutMs?: number
  /** The earliest start in ms since 1970. */
  runAt?: number
  /** When it has to have ended, in ms since 1970. Default: never. */
  deadlineAt?: number
  idempotency?: { key: string; fingerprint: string }
}

/** `replayed`: the idempotency key was used before with the same request; `job` is the first one, as it is now. */
export interface Enqueued {
  job: Job
  replayed: boolean
}

/** For how long an idempotency key answers with its first job. */
export const IDEMPOTENCY_TTL_MS = 24 * 60 * 60 * 1000

/**
 * Stores a job. When it resolves the job is in Redis.
 *
 * @throws FoliotError `idempotency_key_reused` if the key was used with another request.
 */
export async function enqueue(redis: Redis, job: NewJob): Promise<Enqueued> {
  const command = toCommand(job, Date.now())
  return settle(redis, command, await sendScript(redis, command))
}

/** Stores many jobs in one round trip. Each succeeds or fails for itself; the results are in order. */
export async function enqueueMany(redis: Redis, jobs: readonly NewJob[]): Promise<(Enqueued | Error)[]> {
  const now = Date.now()
  const commands = jobs.map((job) => toCommand(job, now))
  const replies = await sendScripts(redis, commands)
  return Promise.all(
    commands.map((command, i) => {
      const reply = replies[i]
      return reply instanceof Error ? reply : settle(redis, command, reply).catch((cause: Error) => cause)
    }),
  )
}

interface Command extends ScriptCall {
  id: string
  created: number
  envelope: Envelope
  delayMs: number
  job: NewJob
}

const { pack } = new Packr({ useRecords: false, encodeUndefinedAsNil: true })

/** Chooses BullMQ's add script for the job and lays out its arguments as BullMQ's own client does. */
function toCommand(job: NewJob, now: number): Command {
  const id = newJobId(now)
  const delayMs = job.runAt === undefined ? 0 : Math.max(0, Math.ceil(job.runAt - now))
  const script = delayMs > 0 ? 'addDelayedJob' : job.priority > 0 ? 'addPrioritizedJob' : 'addStandardJob'
  const envelope = toEnvelope(job)
  const keys: string[] = []
  const args: Arg[] = [
    // prefix, id, name, timestamp; no parent, no scheduler, no deduplication
    pack([bullBase(job.queue), id, job.type, now, null, null, undefined, undefined, null, null]),
    job.inputText,
    packOptions(job, delayMs),
    JSON.stringify(envelope),
  ]
  if (job.idempotency) {
    const { key, fingerprint } = job.idempotency
    // A digest, because a caller's text must never shape a key.
    keys.push(idempotencyKey(job.queue, createHash('sha256').update(`${job.tenant}\0${key}`).digest('base64url')))
    args.push(id, fingerprint, IDEMPOTENCY_TTL_MS, now)
  }
  return { script, sharedKeys: addKeys(job.queue)[script], keys, args, id, created: now, envelope, delayMs, job }
}

const addKeysByQueue = new Map<string, ReturnType<typeof listAddKeys>>()

function addKeys(queue: string): ReturnType<typeof listAddKeys> {
  let keys = addKeysByQueue.get(queue)
  if (!keys) {
    keys = listAddKeys(bullKeys(queue))
    addKeysByQueue.set(queue, keys)
  }
  return keys
}

const listAddKeys = (k: BullKeys) => ({
  addStandardJob: [k.wait, k.paused, k.meta, k.id, k.completed, k.delayed, k.active, k.events, k.marker],
  addDelayedJob: [k.marker, k.meta, k.id, k.delayed, k.completed, k.events],
  addPrioritizedJob: [k.marker, k.meta, k.id, k.prioritized, k.delayed, k.completed, k.active, k.events, k.pc],
})

const packOptions = ({ maxAttempts, priority }: NewJob, delayMs: number): Buffer =>
  delayMs > 0 || priority > 0
    ? pack({ attempts: maxAttempts, ...(delayMs > 0 && { delay: delayMs }), ...(priority > 0 && { priority }) })
    : packAttempts(maxAttempts)

/** Most jobs have no other option, and few numbers of attempts are in use. */
const packedAttempts: Buffer[] = []
const packAttempts = (attempts: number): Buffer => (packedAttempts[attempts] ??= pack({ attempts }))

function toEnvelope({ version, tenant, labels, traceparent, timeoutMs, runAt, deadlineAt }: NewJob): Envelope {
  return {
    version,
    tenant,
    labels,
    traceparent,
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(runAt !== undefined && { runAt }),
    ...(deadlineAt !== undefined && { deadlineAt }),
  }
}

/** The one place that knows what `add-job.lua` answers. */
async function settle(redis: Redis, command: Command, reply: unknown): Promise<Enqueued> {
  if (reply === 1) return { job: newJobView(command), replayed: false }
  if (typeof reply !== 'string') throw new Error(`BullMQ refused to add job ${command.id} with code ${String(reply)}`)
  if (reply.startsWith('!')) {
    throw new FoliotError(
      'idempotency_key_reused',
      `expected the request that first used this idempotency key (job ${reply.slice(1)}), got another one`,
      { hint: 'use a new key for a new request' },
    )
  }
  const first = await readStoredJob(redis, command.job.queue, reply)
  return { job: first ? toJob(first) : { ...newJobView(command), id: reply }, replayed: true }
}

/** The job just stored, without reading it back. */
function newJobView({ id, job, created, envelope, delayMs }: Command): Job {
  const createdAt = new Date(created).toISOString()
  const runAt = envelope.runAt === undefined ? undefined : new Date(envelope.runAt).toISOString()
  return {
    id,
    type: job.type,
    version: job.version,
    queue: job.queue,
    status: delayMs > 0 ? 'scheduled' : 'queued',
    attempt: 0,
    attemptsUsed: 0,
    maxAttempts: job.maxAttempts,
    priority: job.priority,
    progress: null,
    input: job.input,
    output: null,
    error: null,
    labels: job.labels,
    tenant: job.tenant,
    traceId: job.traceparent.slice(3, 35),
    createdAt,
    ...(runAt && { runAt }),
    ...(delayMs > 0 && { nextAttemptAt: new Date(created + delayMs).toISOString() }),
    ...(job.deadlineAt !== undefined && { deadlineAt: new Date(job.deadlineAt).toISOString() }),
    timeline: [
      { at: createdAt, event: 'created' },
      ...(runAt ? [{ at: createdAt, event: 'scheduled' as const, detail: `for ${runAt}` }] : []),
    ],
  }
}
