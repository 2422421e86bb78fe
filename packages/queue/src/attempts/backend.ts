import { setTimeout as sleep } from 'node:timers/promises'
import { ERROR_KINDS } from '@foliot/jobs'
import { createRedisBackend, type KeepJobs, type MinimalJob, RedisQueueBackend, type WorkerOptions } from 'bullmq'
import type { Redis } from 'ioredis'
import { DEAD_LETTERS_STAY_MS } from '../jobs/retention.ts'
import { brokenBase, bullKeys, deadlinesKey, indexKey, recoveredKey, unrecordedKey } from '../keys.ts'
import { REFUSED_PAUSE_MS, refusalOf } from '../redis/redis-trouble.ts'
import { type Arg, runScript } from '../redis/scripts.ts'
import { sendScript } from '../redis/send-scripts.ts'
import { type HeldClaim, toClaim } from './claim.ts'
import { type AttemptEnd, type HeldMoveEvents, HeldMoves } from './held-move.ts'
import { bullEndOf, type Final, fieldsOf, recordOf } from './settle-fields.ts'
import { type Settlement, STOP_MANNERS } from './settlement.ts'

/** BullMQ's commands that may answer with a newly claimed job. */
const CLAIMING: ReadonlySet<string> = new Set(['moveToActive', 'moveToFinished', 'moveToDelayed'])

/** What the backend tells its consumer, and asks it. */
export interface BackendEvents extends HeldMoveEvents {
  /** Jobs of dead workers: those put back, and those that became dead letters. */
  onRecovered(back: string[], dead: string[]): void
  /** Whether a job that finishes is kept until the history has taken it. */
  keepsFinished(): boolean
}

/** As BullMQ writes that nothing is removed. */
const KEEP_ALL = { count: -1 }

const CRASHED = 'the process that ran the last attempt died, and no attempt is left'

const BLOCKED = `the main loop was blocked past its timeout; ${STOP_MANNERS.killed}`

/**
 * BullMQ's Redis backend, with three seams used: what a fetch brings is read as a `Claim` before BullMQ parses it; what
 * a move writes includes our fields, in the same script; a recovered job counts the death as an attempt.
 */
export class FoliotBackend extends RedisQueueBackend {
  readonly #queue: string
  readonly #redis: Redis
  readonly #events: BackendEvents
  readonly #moves: HeldMoves
  /** By job id: fetched, but not started yet. */
  readonly #claims = new Map<string, HeldClaim>()
  /** The keys that finishing moves have in common, by the set that the job goes to. */
  readonly #finishKeys = new Map<string, string[]>()
  /** By lock token, of which each running attempt has its own: a job may have two for a moment. */
  readonly #settled = new Map<string, AttemptEnd & { settlement: Final }>()

  /** @param redis the connection in `options.connection`, with our scripts defined on it */
  constructor(queue: string, redis: Redis, events: BackendEvents, name: string, options: WorkerOptions) {
    const plain = createRedisBackend(name, options, { withBlockingConnection: true }) as RedisQueueBackend
    super(plain.connection, name, plain.keys, (type) => plain.toKey(type), options, plain.blockingConnection, true)
    // It passes on errors of the connections, as this one does. Nobody listens to it, and that would end the process.
    plain.on('error', () => undefined)
    this.#queue = queue
    this.#redis = redis
    this.#events = events
    this.#moves = new HeldMoves(redis, queue, events)
  }

  /** The claim that the last fetch of this job brought. */
  takeClaim(id: string): HeldClaim {
    const claim = this.#claims.get(id)
    if (!claim) throw new Error(`BullMQ started job ${id} without a fetch that the backend saw`)
    this.#claims.delete(id)
    return claim
  }

  /** Says how an attempt ended its job, for the finishing move that BullMQ makes next. */
  settle(claim: HeldClaim, token: string, settlement: Final): void {
    this.#settled.set(token, { claim, token, settlement, record: recordOf(claim, Date.now(), settlement) })
  }

  /** Puts the job off, in BullMQ's `delayed`. A retry counts the attempt, a snooze does not. */
  async postpone(
    claim: HeldClaim,
    token: string,
    settlement: Settlement & { kind: 'retry' | 'snoozed' },
  ): Promise<void> {
    const now = Date.now()
    const record = recordOf(claim, now, settlement)
    const options = {
      skipAttempt: settlement.kind === 'snoozed',
      fieldsToUpdate: { ...fieldsOf(settlement), [record.field]: record.text },
    }
    await this.#moves.make({ claim, token, record }, () =>
      this.moveToDelayed(claim.id, now, settlement.delayMs, token, options),
    )
  }

  /** Puts the job back to the front of its queue without counting the attempt. */
  async handBack(claim: HeldClaim, token: string, settlement: Settlement & { kind: 'handed_back' }): Promise<void> {
    const k = this.keys as Record<string, string>
    const keys = ['active', 'wait', 'stalled', 'paused', 'meta', 'limiter', 'prioritized', 'marker', 'events']
    const named = keys.map((key) => k[key] as string)
    const record = recordOf(claim, Date.now(), settlement)
    const args = [claim.id, token, this.toKey(claim.id), record.field, record.text as string]
    await this.#moves.make({ claim, token, record }, async () => {
      const code = (await runScript(this.#redis, 'handBack', named, args)) as number
      if (code < 0) throw this.finishedErrors({ code, jobId: claim.id, command: 'handBack', state: 'active' })
    })
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
    const keys = [...args.slice(11, 14).map(String), indexKey(this.#queue), unrecordedKey(this.#queue)]
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
      unrecordedKey(this.#queue),
    ]
    const [max, base, now, interval] = args.slice(9) as (string | number)[]
    // A little less than its interval: a lone worker would find its own last check still standing, and skip every other.
    const checked = [max, base, now, Number(interval) - 100] as (string | number)[]
    // What stood in the place of a job is kept as long as the dead letter that tells of it.
    const own = [CRASHED, brokenBase(this.#queue), DEAD_LETTERS_STAY_MS, BLOCKED]
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
    return this.#finish(job, this.#events.keepsFinished() ? KEEP_ALL : keep, token, fetchNext)
  }

  override async moveToFailed<T, R, N extends string>(
    job: MinimalJob<T, R, N>,
    reason: string,
    keep: boolean | number | KeepJobs,
    token: string,
    fetchNext: boolean,
  ) {
    this.#settleDeferred(job.id, token, reason)
    return this.#finish(job, keep, token, fetchNext)
  }

  async #finish<T, R, N extends string>(
    job: MinimalJob<T, R, N>,
    keep: boolean | number | KeepJobs,
    token: string,
    fetchNext: boolean,
  ) {
    const end = this.#settled.get(token)
    if (!end) throw new Error(`BullMQ finished job ${job.id}, which no attempt has settled`)
    const { claim, settlement, record } = end
    const { target, property, value } = bullEndOf(settlement)
    const finishedOn = Date.now()
    const args = this.moveToFinishedArgs(job, value, property, keep as KeepJobs, target, token, finishedOn, fetchNext)
    // Where BullMQ has its fields, packed, ours follow. An attempt that succeeds or is cancelled uses none up.
    args.pop()
    const used = claim.attemptsUsed + (settlement.kind === 'dead' ? 1 : 0)
    args.push(used, claim.outlived ? deadlinesKey(this.#queue) : '', 'atm', used)
    args.push(...Object.entries(fieldsOf(settlement)).flat())
    if (record.text !== undefined) args.push(record.field, record.text)
    // After a broken connection BullMQ asks again, and has to find the same settlement.
    const result = await this.#moves.make(end, () => this.moveToFinished(claim.id, args))
    this.#settled.delete(token)
    return { result, finishedOn }
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
