import { setTimeout as sleep } from 'node:timers/promises'
import { ERROR_KINDS, type JobFailure, truncate } from '@foliot/jobs'
import { createRedisBackend, type KeepJobs, type MinimalJob, RedisQueueBackend, type WorkerOptions } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Cancellation } from '../jobs/timeline.ts'
import { brokenBase, bullKeys, deadlinesKey, jobKey, recoveredKey } from '../keys.ts'
import { type Hold, renewLocks } from '../locks/lock-renewal.ts'
import { refusalOf } from '../redis/redis-trouble.ts'
import { type Arg, runScript } from '../redis/scripts.ts'
import { sendScript } from '../redis/send-scripts.ts'
import { type AttemptRecord, attemptField, RECORD_MESSAGE_BYTES } from './attempt-record.ts'
import { type Claim, type HeldClaim, toClaim } from './claim.ts'
import { type Settlement, STOP_MANNERS } from './settlement.ts'

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
  /** Jobs of dead workers: those put back, and those that became dead letters. */
  onRecovered(back: string[], dead: string[]): void
  /** The end of an attempt is stored, but the fetch of the next job, in the same step, went wrong. */
  onError(error: Error): void
}

const CRASHED = 'the process that ran the last attempt died, and no attempt is left'

const BLOCKED = `the main loop was blocked past its timeout; ${STOP_MANNERS.killed}`

/** How long it takes until what Redis refused is tried again. */
const REFUSED_PAUSE_MS = 1000

/** For how long the content of a key that should hold a job is kept, as long as the dead letter that tells of it. */
const BROKEN_TTL_MS = 7 * 24 * 60 * 60 * 1000

/**
 * BullMQ's Redis backend, with three seams used: what a fetch brings is read as a `Claim` before BullMQ parses it; what
 * a move writes includes our fields, in the same script; a recovered job counts the death as an attempt.
 */
export class FoliotBackend extends RedisQueueBackend {
  readonly #queue: string
  readonly #redis: Redis
  readonly #events: BackendEvents
  /** By job id: fetched, but not started yet. */
  readonly #claims = new Map<string, HeldClaim>()
  /** The keys that finishing moves have in common, by the set that the job goes to. */
  readonly #finishKeys = new Map<string, string[]>()
  /** By lock token, of which each running attempt has its own: a job may have two for a moment. */
  readonly #settled = new Map<string, { claim: HeldClaim; settlement: Settlement }>()

  /** @param redis the connection in `options.connection`, with our scripts defined on it */
  constructor(queue: string, redis: Redis, events: BackendEvents, name: string, options: WorkerOptions) {
    const plain = createRedisBackend(name, options, { withBlockingConnection: true }) as RedisQueueBackend
    super(plain.connection, name, plain.keys, (type) => plain.toKey(type), options, plain.blockingConnection, true)
    // It passes on errors of the connections, as this one does. Nobody listens to it, and that would end the process.
    plain.on('error', () => undefined)
    this.#queue = queue
    this.#redis = redis
    this.#events = events
  }

  /** The claim that the last fetch of this job brought. */
  takeClaim(id: string): HeldClaim {
    const claim = this.#claims.get(id)
    if (!claim) throw new Error(`BullMQ started job ${id} without a fetch that the backend saw`)
    this.#claims.delete(id)
    return claim
  }

  /** Says how an attempt ended, for the finishing move that BullMQ makes next. */
  settle(claim: HeldClaim, token: string, settlement: Settlement): void {
    this.#settled.set(token, { claim, settlement })
  }

  /** Puts the job off, in BullMQ's `delayed`. A retry counts the attempt, a snooze does not. */
  async postpone(claim: Claim, token: string, settlement: Settlement & { kind: 'retry' | 'snoozed' }): Promise<void> {
    const now = Date.now()
    const record = toRecord(claim, now, settlement)
    const options = {
      skipAttempt: settlement.kind === 'snoozed',
      fieldsToUpdate: {
        st: settlement.kind === 'retry' ? 'retrying' : 'scheduled',
        [attemptField(claim.attempt)]: JSON.stringify(record),
        ...(settlement.kind === 'retry' && failureFields(settlement.failure)),
      },
    }
    await untilTaken(() => this.moveToDelayed(claim.id, now, settlement.delayMs, token, options))
  }

  /** Puts the job back to the front of its queue without counting the attempt. */
  async handBack(claim: Claim, token: string, settlement: Settlement & { kind: 'handed_back' }): Promise<void> {
    const k = this.keys as Record<string, string>
    const keys = ['active', 'wait', 'stalled', 'paused', 'meta', 'limiter', 'prioritized', 'marker', 'events']
    const record = JSON.stringify(toRecord(claim, Date.now(), settlement))
    const named = keys.map((key) => k[key] as string)
    const args = [claim.id, token, this.toKey(claim.id), attemptField(claim.attempt), record]
    const reply = await untilTaken(() => runScript(this.#redis, 'handBack', named, args))
    if ((reply as number) < 0) this.#events.onLost(claim)
  }

  override async execCommand(...[client, command, args]: Parameters<RedisQueueBackend['execCommand']>) {
    const reply = await (command === 'moveToFinished'
      ? this.#runFinish(args)
      : command === 'moveToActive'
        ? slowDown(super.execCommand(client, command, args))
        : super.execCommand(client, command, args))
    if (CLAIMING.has(command) && Array.isArray(reply) && Array.isArray(reply[0])) {
      const id = String(reply[1])
      this.#claims.set(id, toClaim(this.#queue, id, reply[0] as string[]))
    }
    return reply
  }

  /** BullMQ's script with our fields in it. `args` are its 14 keys, of which the last three go with the job, and the rest. */
  #runFinish(args: Arg[]): Promise<unknown> {
    const target = args[10] as string
    const sharedKeys = this.#finishKeys.get(target) ?? args.slice(0, 11).map(String)
    this.#finishKeys.set(target, sharedKeys)
    const keys = args.slice(11, 14).map(String)
    return sendScript(this.#redis, { script: 'finish', sharedKeys, keys, args: args.slice(14) })
  }

  override async moveStalledJobsToWait(): Promise<string[]> {
    const args = this.moveStalledJobsToWaitArgs()
    const { failed, delayed } = bullKeys(this.#queue)
    const keys = [
      ...args.slice(0, 9).map(String),
      failed,
      delayed,
      recoveredKey(this.#queue),
      deadlinesKey(this.#queue),
    ]
    const [max, base, now, interval] = args.slice(9) as (string | number)[]
    // A little less than its interval: a lone worker would find its own last check still standing, and skip every other.
    const checked = [max, base, now, Number(interval) - 100] as (string | number)[]
    const own = [CRASHED, brokenBase(this.#queue), BROKEN_TTL_MS, BLOCKED]
    const reply = await runScript(this.#redis, 'recoverStalled', keys, [...checked, ...own])
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
    const { claim, settlement } = this.#settledOf(job.id, token)
    const cancelled = settlement.kind === 'cancelled'
    const fields = {
      st: cancelled ? 'cancelled' : 'succeeded',
      // An attempt that succeeds or is cancelled uses none up.
      atm: claim.attemptsUsed,
    }
    const output = cancelled ? cancellation(settlement) : (settlement as { output: string }).output
    return this.#finish(claim, job, output, 'returnvalue', keep, 'completed', token, fetchNext, fields)
  }

  override async moveToFailed<T, R, N extends string>(
    job: MinimalJob<T, R, N>,
    reason: string,
    keep: boolean | number | KeepJobs,
    token: string,
    fetchNext: boolean,
  ) {
    this.#settleDeferred(job.id, token, reason)
    const { claim, settlement } = this.#settledOf(job.id, token)
    if (settlement.kind !== 'dead') throw new Error(`job ${job.id} was settled as ${settlement.kind}, not as dead`)
    const fields = {
      st: settlement.status,
      atm: claim.attemptsUsed + 1,
      [attemptField(claim.attempt)]: JSON.stringify(toRecord(claim, Date.now(), settlement)),
      ...failureFields(settlement.failure),
    }
    const message = settlement.failure.message
    return this.#finish(claim, job, message, 'failedReason', keep, 'failed', token, fetchNext, fields)
  }

  async #finish<T, R, N extends string>(
    claim: HeldClaim,
    job: MinimalJob<T, R, N>,
    value: string,
    property: 'returnvalue' | 'failedReason',
    keep: boolean | number | KeepJobs,
    target: 'completed' | 'failed',
    token: string,
    fetchNext: boolean,
    fields: Record<string, string | number> & { atm: number },
  ) {
    const finishedOn = Date.now()
    const args = this.moveToFinishedArgs(job, value, property, keep as KeepJobs, target, token, finishedOn, fetchNext)
    // Where BullMQ has its fields, packed, ours follow.
    args.pop()
    args.push(fields.atm, claim.outlived ? deadlinesKey(this.#queue) : '', ...Object.entries(fields).flat())
    try {
      const result = await untilTaken(() => this.#moveHeld({ claim, token }, args))
      this.#settled.delete(token)
      return { result, finishedOn }
    } catch (error) {
      const refused = isNotHeld(error)
      // After a broken connection BullMQ asks again, and has to find the same settlement.
      if (!refused && (error as Error).name !== 'ReplyError') throw error
      const ended = await this.#hasEnded(claim)
      if (!ended && !refused) throw error
      if (!ended) this.#events.onLost(claim)
      // A script that fails after it has moved the job, while it fetches the next one.
      else if (!refused) this.#events.onError(error as Error)
      this.#settled.delete(token)
      return { result: undefined, finishedOn }
    }
  }

  /** A lock that ran out while nobody took the job is no reason to lose its end. */
  async #moveHeld(hold: Hold, args: Parameters<RedisQueueBackend['moveToFinished']>[1]) {
    try {
      return await this.moveToFinished(hold.claim.id, args)
    } catch (error) {
      if (!isNotHeld(error)) throw error
      const [held] = await renewLocks(this.#redis, this.#queue, [hold])
      if (!held) throw error
      return this.moveToFinished(hold.claim.id, args)
    }
  }

  /** Whether this attempt's end is in Redis already: its answer may have got lost, and the command sent again. */
  async #hasEnded({ id, attempt }: Claim): Promise<boolean> {
    const [finishedOn, started] = await this.#redis.hmget(jobKey(this.#queue, id), 'finishedOn', 'ats')
    return finishedOn !== null && Number(started) === attempt
  }

  /** BullMQ fails a job that a worker of plain BullMQ has given up on without calling the processor: no attempt settles it. */
  #settleDeferred(id: string | undefined, token: string, reason: string): void {
    const claim = this.#claims.get(id ?? '')
    if (!claim || this.#settled.has(token)) return
    this.#claims.delete(claim.id)
    const failure = { name: 'Error', message: reason, kind: ERROR_KINDS.crashed }
    const why = 'a worker of plain BullMQ gave the job up'
    this.settle(claim, token, { kind: 'dead', status: 'failed', failure, reason: why })
  }

  #settledOf(id: string | undefined, token: string): { claim: HeldClaim; settlement: Settlement } {
    const settled = this.#settled.get(token)
    if (!settled) throw new Error(`BullMQ finished job ${id}, which no attempt has settled`)
    return settled
  }
}

/**
 * Has the end of an attempt wait for a Redis that refuses it, as it waits for one that is away: an end that is lost would
 * have the job run again. What was refused was not begun, so that it can be sent again.
 */
async function untilTaken<T>(move: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await move()
    } catch (error) {
      if (!refusalOf(error)) throw error
      await sleep(REFUSED_PAUSE_MS)
    }
  }
}

/** BullMQ would ask a Redis that refuses to hand out jobs for the next one at once, again and again. */
async function slowDown<T>(fetched: Promise<T>): Promise<T> {
  try {
    return await fetched
  } catch (error) {
    if (refusalOf(error)) await sleep(REFUSED_PAUSE_MS, undefined, { ref: false })
    throw error
  }
}

/** What a cancelled job keeps as its return value. */
export const cancellation = ({ by, reason, how }: Cancellation['cancelled']): string =>
  JSON.stringify({ cancelled: { by, reason, ...(how && { how }) } } satisfies Cancellation)

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
