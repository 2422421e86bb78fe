import { DelayedError, type Job, UnrecoverableError, WaitingError, Worker, type WorkerOptions } from 'bullmq'
import type { Redis } from 'ioredis'
import { bullName, PREFIX } from '../keys.ts'
import { LockRenewal } from '../locks/lock-renewal.ts'
import { LOCK_MS } from '../locks/lock-scripts.ts'
import { defineScripts } from '../redis/scripts.ts'
import { FoliotBackend } from './backend.ts'
import type { CancelRequest } from './cancel-request.ts'
import type { Claim, HeldClaim } from './claim.ts'
import { RunningAttempt } from './running-attempt.ts'
import { heedCancel, type Settlement } from './settlement.ts'
import { findStuck } from './stuck.ts'

export interface ConsumerOptions {
  queue: string
  /** Attempts at the same time. */
  concurrency: number
  /** Name of this worker, as it stands in timelines. */
  worker: string
  /** A connection for loops. Shared between the consumers of a process; each adds a blocking one of its own. */
  redis: Redis
  /** Whether jobs that finish are kept until the history has taken them. Default: they go by their age and number. */
  keepsFinished?(): boolean
  /** Runs one attempt to its end. Must not reject. */
  run(attempt: RunningAttempt): Promise<Settlement>
  /** Trouble that is not an attempt's: Redis away, a refused move. */
  onError(error: Error): void
  /** An attempt ended after another one took its job: its result was refused. Or the job `isGone`: see `HeldMoveEvents`. */
  onLost?(claim: Claim, isGone: boolean): void
  /** Jobs of dead workers were put back, or became dead letters. */
  onRecovered?(back: string[], dead: string[]): void
  /** The consumer sat idle on a queue with work and starts its loop anew. */
  onStuck?(waiting: number): void
  /** How long it may sit idle on a queue with work, in milliseconds. Default 15 000. */
  stuckAfterMs?: number
  /**
   * How long an attempt with a limit (`killAfter`) may go on blocking the event loop once its job is cancelled, in milliseconds.
   * Then the process is killed, unless another attempt with a limit, within it and not cancelled, runs there. Default: until its
   * limit.
   */
  stopGraceMs?: number
}

/** Recovery of a killed worker takes at most lock + check (7 s) and a pick-up. */
const TIMING = {
  lockDuration: LOCK_MS,
  // `LockRenewal` does it.
  skipLockRenewal: true,
  stalledInterval: 2000,
  // How often a job may be recovered is decided in `recover-stalled.lua`.
  maxStalledCount: 1_000_000_000,
  drainDelay: 5,
  runRetryDelay: 1000,
  // Workers sleep on a rate limit by themselves; with BullMQ's 30 s a limit that is lifted would be felt that late.
  maximumRateLimitDelay: 1000,
}

const MOVES_MADE = [DelayedError, WaitingError, UnrecoverableError]

const STUCK_AFTER_MS = 15_000
/** How often that is looked at, in the time after which it counts. */
const STUCK_CHECKS = 3

/** A loop of BullMQ that takes jobs. */
interface OpenWorker {
  ready(): Promise<unknown>
  /** Takes no more jobs. Resolves when those that it runs have ended. */
  close(): Promise<void>
}

/** Takes jobs from one queue and runs them, until stopped. */
export class Consumer {
  readonly #options: ConsumerOptions
  readonly #running = new Set<RunningAttempt>()
  readonly #locks: LockRenewal
  #worker: OpenWorker | undefined
  /** Closings of those that a restart has replaced. */
  readonly #retired = new Set<Promise<void>>()
  #stuckTimer: NodeJS.Timeout | undefined
  #lastClaim = Date.now()
  #looksStuck: 'no' | 'asking' | 'once' = 'no'
  #stopping: Promise<void> | undefined

  constructor(options: ConsumerOptions) {
    this.#options = options
    defineScripts(options.redis)
    this.#locks = new LockRenewal(options.redis, options.queue, options.onError, options.stopGraceMs)
  }

  /** Ids of the jobs that run here now. */
  get running(): string[] {
    return Array.from(this.#running, ({ claim }) => claim.id)
  }

  /** Tells the attempt that runs this job here, if there is one, to stop. */
  cancel(id: string, request: CancelRequest): void {
    for (const attempt of this.#running) if (attempt.claim.id === id) attempt.cancel(request)
  }

  /** Resolves when the loop is connected and takes jobs. After `stop` it does nothing. */
  async start(): Promise<void> {
    if (this.#stopping) return
    const { stuckAfterMs = STUCK_AFTER_MS } = this.#options
    await this.#locks.start()
    if (this.#stopping) return
    this.#worker = this.#open()
    this.#stuckTimer = setInterval(() => void this.#checkStuck(stuckAfterMs), stuckAfterMs / STUCK_CHECKS)
    await this.#worker.ready()
  }

  /**
   * Takes no more jobs, gives the running ones `graceMs` to end, and hands the rest back without using up an attempt.
   * Safe twice, and before `start`.
   */
  stop(graceMs: number): Promise<void> {
    this.#stopping ??= this.#stop(graceMs)
    return this.#stopping
  }

  async #stop(graceMs: number): Promise<void> {
    clearInterval(this.#stuckTimer)
    // close() first: it ends the fetching at once. pause() would let the fetch under way take a handed-back job again.
    const closed = this.#worker?.close()
    const timer = setTimeout(() => {
      for (const attempt of this.#running) attempt.stop('shutdown')
    }, graceMs)
    await Promise.all([closed, ...this.#retired])
    clearTimeout(timer)
    await this.#locks.stop()
  }

  #open(): OpenWorker {
    const { queue, concurrency, worker, redis, onError } = this.#options
    const options: WorkerOptions = {
      ...TIMING,
      connection: redis,
      prefix: PREFIX,
      concurrency,
      name: worker,
    }
    let backend: FoliotBackend | undefined
    const events = {
      onLost: (claim: Claim, isGone: boolean) => this.#options.onLost?.(claim, isGone),
      onRecovered: (back: string[], dead: string[]) => this.#options.onRecovered?.(back, dead),
      onError,
      keepsFinished: () => this.#options.keepsFinished?.() ?? false,
    }
    const consumer = new Worker(
      bullName(queue),
      (job, token) => this.#process(backend as FoliotBackend, job, token as string),
      options,
      (name, opts) => {
        backend = new FoliotBackend(queue, redis, events, name, opts as WorkerOptions)
        return backend
      },
    )
    consumer.on('error', onError)
    const disown = this.#locks.own(`${consumer.id}:`)
    return { ready: () => consumer.waitUntilReady(), close: () => consumer.close().finally(disown) }
  }

  /** BullMQ's processor: runs the attempt, then makes the move that its settlement asks for, or lets BullMQ make it. */
  async #process(backend: FoliotBackend, job: Job, token: string): Promise<void> {
    this.#lastClaim = Date.now()
    const fetched = backend.takeClaim(job.id as string)
    const claim = fetched.startBy === undefined ? fetched : await backend.startInTime(fetched, token)
    if (!claim) throw new WaitingError()
    const attempt = new RunningAttempt(claim, token, this.#options.redis)
    this.#running.add(attempt)
    this.#locks.hold(attempt, { claim, token })
    try {
      const settlement = this.#stopping
        ? ({ kind: 'handed_back', reason: 'the worker is shutting down' } as const)
        : await this.#options.run(attempt)
      attempt.end()
      this.#locks.release(attempt)
      if (attempt.stopReason === 'lost') {
        this.#options.onLost?.(claim, false)
        throw new WaitingError()
      }
      await this.#settle(backend, claim, token, settlement)
    } catch (error) {
      // What is thrown tells BullMQ which move was made. Anything else is a mistake, which BullMQ takes for a failure.
      if (!MOVES_MADE.some((made) => error instanceof made)) this.#options.onError(error as Error)
      throw error
    } finally {
      this.#locks.release(attempt)
      this.#running.delete(attempt)
    }
  }

  /** One that would put a job back to wait finds in that move whether somebody has cancelled it: then it ends the job. */
  async #settle(backend: FoliotBackend, claim: HeldClaim, token: string, settlement: Settlement): Promise<void> {
    let request: CancelRequest | undefined
    switch (settlement.kind) {
      case 'succeeded':
      case 'cancelled':
        return backend.settle(claim, token, settlement)
      case 'dead':
        backend.settle(claim, token, settlement)
        // This name is how BullMQ is told not to retry.
        throw new UnrecoverableError(settlement.failure.message)
      case 'retry':
      case 'snoozed':
        request = await backend.postpone(claim, token, settlement)
        if (!request) throw new DelayedError()
        break
      case 'handed_back':
        request = await backend.handBack(claim, token, settlement)
        if (!request) throw new WaitingError()
        break
    }
    return this.#settle(backend, claim, token, heedCancel(settlement, request))
  }

  /** Idle at one look may be chance, and Redis just back. Idle at two in a row, with no claim in between, is stuck. */
  async #checkStuck(stuckAfterMs: number): Promise<void> {
    const { queue, concurrency, redis, onStuck, onError } = this.#options
    if (this.#looksStuck === 'asking') return
    const looked = this.#looksStuck
    this.#looksStuck = 'no'
    if (this.#running.size >= concurrency || Date.now() - this.#lastClaim < stuckAfterMs) return
    try {
      this.#looksStuck = 'asking'
      const waiting = await findStuck(redis, queue)
      this.#looksStuck = waiting > 0 && looked === 'no' ? 'once' : 'no'
      if (waiting === 0 || looked === 'no' || this.#stopping) return
      onStuck?.(waiting)
      this.#lastClaim = Date.now()
      const old = this.#worker
      this.#worker = this.#open()
      if (old) this.#retire(old)
    } catch (error) {
      this.#looksStuck = 'no'
      onError(error as Error)
    }
  }

  #retire(old: OpenWorker): void {
    const closed = old
      .close()
      .catch(this.#options.onError)
      .finally(() => this.#retired.delete(closed))
    this.#retired.add(closed)
  }
}
