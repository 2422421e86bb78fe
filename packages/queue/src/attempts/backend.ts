import { setTimeout as sleep } from 'node:timers/promises'
import { ERROR_KINDS } from '@foliot/jobs'
import {
  createRedisBackend,
  type KeepJobs,
  type MinimalJob,
  RedisQueueBackend,
  raw2NextJobData,
  type WorkerOptions,
} from 'bullmq'
import type { Redis } from 'ioredis'
import { startInTime } from '../jobs/overdue.ts'
import { DEAD_LETTERS_STAY_MS, RETENTION } from '../jobs/retention.ts'
import { brokenBase, bullKeys, deadlinesKey, indexKey, recoveredKey, unrecordedKey } from '../keys.ts'
import { REFUSED_PAUSE_MS, refusalOf } from '../redis/redis-trouble.ts'
import { type Arg, runScript } from '../redis/scripts.ts'
import { type CancelRequest, parseCancelRequest, UNREADABLE_REQUEST } from './cancel-request.ts'
import { type Claim, type HeldClaim, toClaim } from './claim.ts'
import { FinishTogether, type JobEnd } from './finish-together.ts'
import { type AttemptEnd, type HeldMoveEvents, HeldMoves, untilTaken } from './held-move.ts'
import { BULL_ENDS, type BullEnd, bullEndOf, type Final, fieldsOf, recordOf } from './settle-fields.ts'
import { heedCancel, type Settlement, STOP_MANNERS } from './settlement.ts'

/** BullMQ's commands that may answer with a newly claimed job. */
const CLAIMING: ReadonlySet<string> = new Set(['moveToActive', 'moveToDelayed'])

/** What the backend tells its consumer, and asks it. */
export interface BackendEvents extends HeldMoveEvents {
  /** Jobs of dead workers: those put back, and those that became dead letters. */
  onRecovered(back: string[], dead: string[]): void
  /** Whether a job that finishes is kept until the history has taken it. */
  keepsFinished(): boolean
}

/** How many finished jobs stay, as BullMQ says it. */
type Keep = boolean | number | KeepJobs | undefined

/** What a client of ioredis is that has a socket, or wants none. */
const SETTLED: ReadonlySet<string> = new Set<Redis['status']>(['wait', 'connect', 'ready', 'end'])

/** How many keys BullMQ's moveToDelayed has; its arguments follow. */
const DELAYED_KEYS = 11

/** That nothing is removed. */
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
  /** By what is kept of the jobs that go there. That is the same object for all but a few. */
  readonly #finishing = {
    completed: new WeakMap<KeepJobs, FinishTogether>(),
    failed: new WeakMap<KeepJobs, FinishTogether>(),
  }
  /** What BullMQ's script is to know of its worker. */
  readonly #options: object
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
    // In Lua a number is made text each time that it is passed on.
    const { name: worker, limiter, lockDuration } = options
    this.#options = { name: worker, limiter, lockDuration: String(lockDuration), maxMetricsSize: '' }
  }

  /** The claim that the last fetch of this job brought. */
  takeClaim(id: string): HeldClaim {
    const claim = this.#claims.get(id)
    if (!claim) throw new Error(`BullMQ started job ${id} without a fetch that the backend saw`)
    this.#claims.delete(id)
    return claim
  }

  /** The claim to start, of a job that has to start by some time. Undefined if the job has ended, or is another's. */
  startInTime(claim: HeldClaim, token: string): Promise<HeldClaim | undefined> {
    return untilTaken(() => startInTime(this.#redis, claim, token))
  }

  /** Says how an attempt ended its job, for the finishing move that BullMQ makes next. */
  settle(claim: HeldClaim, token: string, settlement: Final): void {
    this.#settled.set(token, { claim, token, settlement, record: recordOf(claim, Date.now(), settlement) })
  }

  /**
   * Puts the job off, in BullMQ's `delayed`. A retry counts the attempt, a snooze does not.
   *
   * @returns the request to cancel the job if there is one: then the job is not put off, and has to be ended
   */
  async postpone(
    claim: HeldClaim,
    token: string,
    settlement: Settlement & { kind: 'retry' | 'snoozed' },
  ): Promise<CancelRequest | undefined> {
    const now = Date.now()
    const record = recordOf(claim, now, settlement)
    // A worker that has a handler ends the row.
    const passes = ('passes' in settlement && settlement.passes) || 0
    const options = {
      skipAttempt: settlement.kind === 'snoozed',
      fieldsToUpdate: {
        ...fieldsOf(settlement),
        ...(passes !== claim.passes && { ps: String(passes) }),
        [record.field]: record.text,
      },
    }
    const args = this.moveToDelayedArgs(claim.id, now, token, settlement.delayMs, options) as (Arg | undefined)[]
    const keys = args.slice(0, DELAYED_KEYS) as string[]
    const rest = args.slice(DELAYED_KEYS).map((arg) => arg ?? '')
    return this.#moves.make({ claim, token, record }, async () =>
      this.#requestIn(await runScript(this.#redis, 'postpone', keys, rest), claim, 'postpone'),
    )
  }

  /**
   * Puts the job back to the front of its queue without counting the attempt.
   *
   * @returns the request to cancel the job if there is one: then the job is not handed back, and has to be ended
   */
  async handBack(
    claim: HeldClaim,
    token: string,
    settlement: Settlement & { kind: 'handed_back' },
  ): Promise<CancelRequest | undefined> {
    const k = this.keys as Record<string, string>
    const keys = ['active', 'wait', 'stalled', 'paused', 'meta', 'limiter', 'prioritized', 'marker', 'events']
    const named = keys.map((key) => k[key] as string)
    const record = recordOf(claim, Date.now(), settlement)
    const args = [claim.id, token, this.toKey(claim.id), record.field, record.text as string]
    return this.#moves.make({ claim, token, record }, async () =>
      this.#requestIn(await runScript(this.#redis, 'handBack', named, args), claim, 'handBack'),
    )
  }

  /**
   * What a script of ours answers that moves a job: the request to cancel it, which stopped the move.
   *
   * @throws BullMQ's error, with its code, if the move was refused
   */
  #requestIn(reply: unknown, { id }: Claim, command: string): CancelRequest | undefined {
    if (typeof reply === 'string') return parseCancelRequest(reply) ?? UNREADABLE_REQUEST
    if (typeof reply === 'number' && reply < 0)
      throw this.finishedErrors({ code: reply, jobId: id, command, state: 'active' })
    return undefined
  }

  override async execCommand(...[client, command, args]: Parameters<RedisQueueBackend['execCommand']>) {
    const sent = super.execCommand(client, command, args)
    const reply = await (command === 'moveToActive' ? slowDown(sent) : sent)
    if (CLAIMING.has(command)) this.#noteClaim(reply)
    return reply
  }

  #noteClaim(reply: unknown): void {
    if (!Array.isArray(reply) || !Array.isArray(reply[0])) return
    const id = String(reply[1])
    this.#claims.set(id, toClaim(this.#queue, id, reply[0] as string[]))
  }

  /**
   * BullMQ waits for the end of the connection on which its loop waits for jobs. One that is about to try again has no socket
   * that could end, and ioredis would never tell that it was given up: its next try is made its last.
   */
  override async disconnectBlocking(wait?: boolean): Promise<void> {
    const client = (await this.blockingClient) as unknown as Redis | undefined
    if (client && !SETTLED.has(client.status)) {
      client.options.retryStrategy = () => null
      await new Promise((resolve) => client.once('connect', resolve).once('end', resolve))
    }
    return super.disconnectBlocking(wait)
  }

  override async moveStalledJobsToWait(): Promise<string[]> {
    const args = this.moveStalledJobsToWaitArgs()
    const { failed, delayed, completed } = bullKeys(this.#queue)
    const keys = [
      ...args.slice(0, 9).map(String),
      failed,
      delayed,
      recoveredKey(this.#queue),
      deadlinesKey(this.#queue),
      unrecordedKey(this.#queue),
      completed,
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
    keep: Keep,
    token: string,
    fetchNext: boolean,
  ) {
    return this.#finish(job, keep, token, fetchNext)
  }

  override async moveToFailed<T, R, N extends string>(
    job: MinimalJob<T, R, N>,
    reason: string,
    keep: Keep,
    token: string,
    fetchNext: boolean,
  ) {
    this.#settleDeferred(job.id, token, reason)
    return this.#finish(job, keep, token, fetchNext)
  }

  async #finish<T, R, N extends string>(
    job: MinimalJob<T, R, N>,
    keep: Keep,
    token: string,
    fetchNext: boolean,
  ): ReturnType<RedisQueueBackend['moveToFailed']> {
    const end = this.#settled.get(token)
    if (!end) throw new Error(`BullMQ finished job ${job.id}, which no attempt has settled`)
    const { claim, settlement, record } = end
    const { target, outcome } = bullEndOf(settlement)
    const finishedOn = Date.now()
    // An attempt that succeeds or is cancelled uses none up.
    const used = claim.attemptsUsed + (settlement.kind === 'dead' ? 1 : 0)
    const fields = ['atm', String(used), ...Object.entries(fieldsOf(settlement)).flat()]
    if (record.text !== undefined) fields.push(record.field, record.text)
    const jobEnd: JobEnd = {
      key: this.toKey(claim.id),
      id: claim.id,
      at: finishedOn,
      outcome,
      fetchesNext: fetchNext && !this.closing,
      token,
      maxAttempts: claim.maxAttempts,
      attemptsUsed: used,
      deadlines: claim.outlived ? deadlinesKey(this.#queue) : '',
      fields,
    }
    const isKept = target === 'completed' && this.#events.keepsFinished()
    const together = this.#finishTogether(target, this.getKeepJobs(isKept ? KEEP_ALL : keep, RETENTION[target]))
    let request: CancelRequest | undefined
    // After a broken connection BullMQ asks again, and has to find the same settlement.
    const result = await this.#moves.make(end, async () => {
      const reply = await together.add(jobEnd)
      request = this.#requestIn(reply, claim, 'finish')
      if (request) return undefined
      this.#noteClaim(reply)
      return raw2NextJobData(reply as never)
    })
    if (request) {
      this.settle(claim, token, heedCancel(settlement, request) as Final)
      return this.#finish(job, job.opts?.removeOnComplete, token, fetchNext)
    }
    this.#settled.delete(token)
    return { result, finishedOn }
  }

  #finishTogether(target: BullEnd['target'], keepJobs: KeepJobs): FinishTogether {
    const known = this.#finishing[target].get(keepJobs)
    if (known) return known
    const { marker, [target]: to, '': prefix } = this.keys as Record<string, string>
    const together = new FinishTogether(this.#redis, {
      keys: [
        ...(this.moveToFinishedKeys.slice(0, 10) as string[]),
        to as string,
        indexKey(this.#queue),
        this.toKey(`metrics:${target}`),
        marker as string,
        unrecordedKey(this.#queue),
      ],
      args: [prefix as string, target, BULL_ENDS[target], JSON.stringify({ ...this.#options, keepJobs })],
    })
    this.#finishing[target].set(keepJobs, together)
    return together
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
