import { type JobFailure, truncate } from '@foliot/jobs'
import { createRedisBackend, type KeepJobs, type MinimalJob, RedisQueueBackend, type WorkerOptions } from 'bullmq'
import type { Redis } from 'ioredis'
import { type AttemptRecord, attemptField, RECORD_MESSAGE_BYTES } from './attempt-record.ts'
import { type Claim, toClaim } from './claim.ts'
import { bullKeys } from './keys.ts'
import { runScript } from './scripts.ts'
import type { Settlement } from './settlement.ts'
import type { Cancellation } from './timeline.ts'

/** BullMQ's commands that may answer with a newly claimed job. */
const CLAIMING: ReadonlySet<string> = new Set(['moveToActive', 'moveToFinished', 'moveToDelayed'])

/** BullMQ's codes for "this attempt no longer holds the job": no job, no lock, not active, another's lock. */
const NOT_HELD: ReadonlySet<number> = new Set([-1, -2, -3, -6])

export const isNotHeld = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && NOT_HELD.has(error.code as number)

/** What the backend tells its consumer. */
export interface BackendEvents {
  /** An attempt ended, but another one has the job by now: its result was refused. */
  onLost(claim: Claim): void
  /** Jobs of dead workers: those put back, and those whose attempts are used up. */
  onRecovered(back: string[], dead: string[]): void
}

const CRASHED = 'the process that ran the last attempt died, and no attempt is left'

/**
 * BullMQ's Redis backend, with three seams used: what a fetch brings is read as a `Claim` before BullMQ parses it; what
 * a move writes includes our fields, in the same script; a recovered job counts the death as an attempt.
 */
export class FoliotBackend extends RedisQueueBackend {
  readonly #queue: string
  readonly #redis: Redis
  readonly #events: BackendEvents
  readonly #claims = new Map<string, Claim>()
  readonly #settled = new Map<string, { claim: Claim; settlement: Settlement }>()

  /** @param redis the connection in `options.connection`, with our scripts defined on it */
  constructor(queue: string, redis: Redis, events: BackendEvents, name: string, options: WorkerOptions) {
    const plain = createRedisBackend(name, options, { withBlockingConnection: true }) as RedisQueueBackend
    super(plain.connection, name, plain.keys, (type) => plain.toKey(type), options, plain.blockingConnection, true)
    this.#queue = queue
    this.#redis = redis
    this.#events = events
  }

  /** The claim that the last fetch of this job brought. */
  takeClaim(id: string): Claim {
    const claim = this.#claims.get(id)
    if (!claim) throw new Error(`BullMQ started job ${id} without a fetch that the backend saw`)
    this.#claims.delete(id)
    return claim
  }

  /** Says how an attempt ended, for the finishing move that BullMQ makes next. */
  settle(claim: Claim, settlement: Settlement): void {
    this.#settled.set(claim.id, { claim, settlement })
  }

  /** Puts the job off, in BullMQ's `delayed`. A retry counts the attempt, a snooze does not. */
  async postpone(claim: Claim, token: string, settlement: Settlement & { kind: 'retry' | 'snoozed' }): Promise<void> {
    const now = Date.now()
    const record = toRecord(claim, now, settlement)
    await this.moveToDelayed(claim.id, now, settlement.delayMs, token, {
      skipAttempt: settlement.kind === 'snoozed',
      fieldsToUpdate: {
        st: settlement.kind === 'retry' ? 'retrying' : 'scheduled',
        [attemptField(claim.attempt)]: JSON.stringify(record),
        ...(settlement.kind === 'retry' && failureFields(settlement.failure)),
      },
    })
  }

  /** Puts the job back to the front of its queue without counting the attempt. */
  async handBack(claim: Claim, token: string, settlement: Settlement & { kind: 'handed_back' }): Promise<void> {
    const k = this.keys as Record<string, string>
    const keys = ['active', 'wait', 'stalled', 'paused', 'meta', 'limiter', 'prioritized', 'marker', 'events']
    const record = JSON.stringify(toRecord(claim, Date.now(), settlement))
    const reply = await runScript(
      this.#redis,
      'handBack',
      keys.map((key) => k[key] as string),
      [claim.id, token, this.toKey(claim.id), attemptField(claim.attempt), record],
    )
    if ((reply as number) < 0) this.#events.onLost(claim)
  }

  override async execCommand(...[client, command, args]: Parameters<RedisQueueBackend['execCommand']>) {
    const reply = await super.execCommand(client, command, args)
    if (CLAIMING.has(command) && Array.isArray(reply) && Array.isArray(reply[0])) {
      const id = String(reply[1])
      this.#claims.set(id, toClaim(this.#queue, id, reply[0] as string[]))
    }
    return reply
  }

  override async moveStalledJobsToWait(): Promise<string[]> {
    const args = this.moveStalledJobsToWaitArgs()
    const keys = [...args.slice(0, 9).map(String), bullKeys(this.#queue).failed]
    const reply = await runScript(this.#redis, 'recoverStalled', keys, [...args.slice(9), CRASHED])
    const [back, dead] = reply as [string[], string[]]
    if (back.length + dead.length > 0) this.#events.onRecovered(back, dead)
    return back
  }

  override async moveToCompleted<T, R, N extends string>(
    job: MinimalJob<T, R, N>,
    _value: R,
    keep: boolean | number | KeepJobs,
    token: string,
    fetchNext: boolean,
  ) {
    const { claim, settlement } = this.#settledOf(job.id)
    const cancelled = settlement.kind === 'cancelled'
    const fields = {
      st: cancelled ? 'cancelled' : 'succeeded',
      // BullMQ's script adds one: an attempt that succeeds or is cancelled uses none up.
      atm: claim.attemptsUsed - 1,
    }
    const output = cancelled ? cancellation('handler', settlement.reason) : (settlement as { output: string }).output
    return this.#finish(claim, job, output, 'returnvalue', keep, 'completed', token, fetchNext, fields)
  }

  override async moveToFailed<T, R, N extends string>(
    job: MinimalJob<T, R, N>,
    _reason: string,
    keep: boolean | number | KeepJobs,
    token: string,
    fetchNext: boolean,
  ) {
    const { claim, settlement } = this.#settledOf(job.id)
    if (settlement.kind !== 'dead') throw new Error(`job ${job.id} was settled as ${settlement.kind}, not as dead`)
    const fields = {
      st: settlement.status,
      [attemptField(claim.attempt)]: JSON.stringify(toRecord(claim, Date.now(), settlement)),
      ...failureFields(settlement.failure),
    }
    const message = settlement.failure.message
    return this.#finish(claim, job, message, 'failedReason', keep, 'failed', token, fetchNext, fields)
  }

  async #finish<T, R, N extends string>(
    claim: Claim,
    job: MinimalJob<T, R, N>,
    value: string,
    property: 'returnvalue' | 'failedReason',
    keep: boolean | number | KeepJobs,
    target: 'completed' | 'failed',
    token: string,
    fetchNext: boolean,
    fields: Record<string, string | number>,
  ) {
    const finishedOn = Date.now()
    const args = this.moveToFinishedArgs(
      job,
      value,
      property,
      keep as KeepJobs,
      target,
      token,
      finishedOn,
      fetchNext,
      fields,
    )
    try {
      const result = await this.moveToFinished(claim.id, args)
      this.#settled.delete(claim.id)
      return { result, finishedOn }
    } catch (error) {
      // After a broken connection BullMQ asks again, and has to find the same end.
      if (!isNotHeld(error)) throw error
      this.#events.onLost(claim)
      this.#settled.delete(claim.id)
      return { result: undefined, finishedOn }
    }
  }

  #settledOf(id: string | undefined): { claim: Claim; settlement: Settlement } {
    const settled = this.#settled.get(id ?? '')
    if (!settled) throw new Error(`BullMQ finished job ${id}, which no attempt has settled`)
    return settled
  }
}

/** What a cancelled job keeps as its return value. */
export const cancellation = (by: string, reason: string): string =>
  JSON.stringify({ cancelled: { by, reason } } satisfies Cancellation)

/** The last failure, where BullMQ and its board look for it, and what they have no field for. */
function failureFields({ name, kind, message, stack }: JobFailure): Record<string, string> {
  return { failedReason: message, stacktrace: JSON.stringify(stack ? [stack] : []), en: name, ek: kind }
}

type Unfinished = Exclude<Settlement, { kind: 'succeeded' | 'cancelled' }>

function toRecord(claim: Claim, now: number, settlement: Unfinished): AttemptRecord {
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
