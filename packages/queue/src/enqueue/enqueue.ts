import { FoliotError, type Job } from '@foliot/jobs'
import type { Redis } from 'ioredis'
import { readStoredJob, toJob } from '../jobs/job-hash.ts'
import { keepTexts } from '../jobs/job-texts.ts'
import type { Disk } from '../redis/disk.ts'
import { sendScript, sendScripts } from '../redis/send-scripts.ts'
import { type AddCommand, type NewJob, toAddCommand } from './add-command.ts'
import { drainSeconds } from './drain-time.ts'
import { readEndedJob } from './ended-job.ts'
import { scheduleFields } from './envelope.ts'

export { IDEMPOTENCY_TTL_MS, type NewJob } from './add-command.ts'

export interface Enqueued {
  job: Job
  /** The idempotency key was used before with the same request; `job` is the first one, as it is now. */
  replayed: boolean
  /** The first one has left Redis: `job` is what its idempotency record tells of it, without output and error. */
  fromRecord: boolean
  /** Another live job has the dedupe key; `job` is that one. */
  deduplicated: boolean
  /** With a quota, and a new job: how many of the tenant's jobs in this queue have not ended. */
  open?: number
}

/**
 * Stores a job. When it resolves the job is in Redis.
 *
 * @param disk that of Redis, for jobs that are to be on it
 * @throws FoliotError `idempotency_key_reused` if the key was used with another request, `conflict` if its job is gone and
 * nobody knows how it ended, `backpressure` if the queue is full, `unavailable` if the disk was not reached in time.
 */
export async function enqueue(redis: Redis, job: NewJob, disk?: Disk): Promise<Enqueued> {
  const command = toAddCommand(job)
  if (job.durability === undefined) return settle(redis, command, await sendScript(redis, command), disk)
  const [reply] = await runDurably(disk, [command])
  if (reply instanceof Error) throw reply
  return settle(redis, command, reply, disk)
}

/** Stores many jobs in one round trip. Each succeeds or fails for itself; the results are in order. */
export async function enqueueMany(redis: Redis, jobs: readonly NewJob[], disk?: Disk): Promise<(Enqueued | Error)[]> {
  const commands = jobs.map(toAddCommand)
  const replies = await sendAll(redis, commands, disk)
  return Promise.all(
    commands.map((command, i) => {
      const reply = replies[i]
      return reply instanceof Error ? reply : settle(redis, command, reply, disk).catch((cause: Error) => cause)
    }),
  )
}

/** Jobs that wait for the disk do not have the others wait with them. */
async function sendAll(redis: Redis, commands: readonly AddCommand[], disk: Disk | undefined): Promise<unknown[]> {
  const durable = commands.filter(isDurable)
  if (durable.length === 0) return sendScripts(redis, commands)
  const others = commands.filter((command) => !isDurable(command))
  const [onDisk, inMemory] = await Promise.all([runDurably(disk, durable), sendScripts(redis, others)])
  // Both are in the order of their commands.
  return commands.map((command) => (isDurable(command) ? onDisk : inMemory).shift())
}

const isDurable = ({ job }: AddCommand): boolean => job.durability === 'fsync'

function runDurably(disk: Disk | undefined, commands: readonly AddCommand[]): Promise<unknown[]> {
  if (!disk) throw new TypeError('expected a Disk for jobs with `durability`, got none')
  return disk.runScripts(commands)
}

/** How fast one tenant's jobs end is not measured. */
const QUOTA_RETRY_S = 5

/** A tenant has as many open jobs in a queue as it may have. */
export class QuotaReached extends FoliotError {
  /** How many those are. */
  readonly open: number

  constructor(message: string, open: number) {
    const hint = 'wait until some have ended, or have the quota raised'
    super('backpressure', message, { retryAfterSeconds: QUOTA_RETRY_S, hint })
    this.open = open
  }
}

/** Why `add-job.lua` stored nothing. */
type Refusal =
  | ['same' | 'other' | 'live', id: string]
  | ['full', depth: number, ended: number, spanMs: number]
  | ['quota', open: number]

/** The one place that knows what `add-job.lua` answers. */
async function settle(redis: Redis, command: AddCommand, reply: unknown, disk?: Disk): Promise<Enqueued> {
  const stored = { replayed: false, fromRecord: false, deduplicated: false }
  if (reply === 1) return { job: newJobView(command), ...stored }
  if (!Array.isArray(reply)) throw new Error(`BullMQ refused to add job ${command.id} with code ${String(reply)}`)
  if (reply[0] === 'stored') return { job: newJobView(command), ...stored, open: reply[1] as number }
  const refusal = reply as Refusal
  switch (refusal[0]) {
    case 'same': {
      const first = await readStoredJob(redis, command.job.queue, refusal[1])
      const job = first ? toJob(first) : await readEndedJob(redis, command, refusal[1])
      return { job, replayed: true, fromRecord: first === undefined, deduplicated: false }
    }
    case 'other':
      throw new FoliotError(
        'idempotency_key_reused',
        `expected the request that first used this idempotency key (job ${refusal[1]}), got another one`,
        { hint: 'use a new key for a new request' },
      )
    case 'live': {
      const live = await readStoredJob(redis, command.job.queue, refusal[1])
      if (live) return { job: toJob(live), replayed: false, fromRecord: false, deduplicated: true }
      // It was removed a moment ago, and stands in nobody's way any more.
      return enqueue(redis, command.job, disk)
    }
    case 'quota': {
      const { queue, tenant, tenantQuota } = command.job
      throw new QuotaReached(
        `expected fewer than ${tenantQuota} jobs of tenant ${tenant} in queue ${queue} that have not ended, found ${refusal[1]}`,
        refusal[1],
      )
    }
    case 'full': {
      const [, depth, ended, spanMs] = refusal
      const { queue, maxDepth = 0 } = command.job
      const retryAfterSeconds = drainSeconds({ depth, maxDepth, ended, spanMs })
      throw new FoliotError(
        'backpressure',
        `expected fewer than ${maxDepth} waiting jobs in queue ${queue}, found ${depth}`,
        {
          retryAfterSeconds,
          hint: `${ended} jobs ended in the last ${spanMs} ms: try again in ${retryAfterSeconds} s`,
        },
      )
    }
  }
}

/** The job just stored, without reading it back. */
function newJobView({ id, job, envelope, delayMs }: AddCommand): Job {
  const createdAt = new Date(job.createdAt).toISOString()
  const runAt = envelope.runAt === undefined ? undefined : new Date(envelope.runAt).toISOString()
  const view: Job = {
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
    error: null,
    labels: job.labels,
    tenant: job.tenant,
    ...scheduleFields(envelope),
    traceId: job.traceparent.slice(3, 35),
    createdAt,
    ...(runAt && { runAt }),
    ...(delayMs > 0 && { nextAttemptAt: new Date(job.createdAt + delayMs).toISOString() }),
    ...(job.deadlineAt !== undefined && { deadlineAt: new Date(job.deadlineAt).toISOString() }),
    timeline: [
      { at: createdAt, event: 'created' },
      ...(runAt ? [{ at: createdAt, event: 'scheduled' as const, detail: `for ${runAt}` }] : []),
    ],
    input: job.input,
    output: null,
  }
  return keepTexts(view, { input: job.inputText, output: 'null' })
}
