import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Redis } from 'ioredis'
import { parseCancelRequest } from '../attempts/cancel-request.ts'
import type { RunningAttempt } from '../attempts/running-attempt.ts'
import { runScript } from '../redis/scripts.ts'
import { type LockOwner, LockRounds, RENEW_EVERY_MS, type Verdict } from './lock-rounds.ts'
import { LockReader, LockTable, monotonicMs } from './lock-table.ts'
import type { FromLockThread, LockThreadData, ToLockThread } from './lock-thread.ts'
import { TICK_MS } from './main-loop-watch.ts'

/** Built or not: the thread's file has the extension of this one. */
const THREAD = new URL(`./lock-thread${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url)

/** It holds a few thousand short texts at most. */
const MEMORY = { maxOldGenerationSizeMb: 48, maxYoungGenerationSizeMb: 2 }

const RESTART_AFTER_MS = 1000

/** After so many rounds in a row that only we could make, it is not that Redis was away for a moment. */
const STAND_INS = 3

const MEANWHILE = 'until that is mended, a handler that blocks the event loop may lose the jobs of this process'

/** Who has locks renewed. */
export interface LockUser {
  /** Queues, and what its tokens in them begin with. */
  readonly owners: Iterable<LockOwner>
  onError(error: Error): void
}

const keepers = new WeakMap<Redis, LockKeeper>()

/**
 * Has locks renewed by a thread of its own (lock-thread.ts), as long as anybody uses it. There is one for each connection,
 * and the consumers of a process share theirs. While the thread is gone or cannot renew, the locks are renewed from here,
 * which holds only until somebody blocks this loop.
 */
export class LockKeeper {
  readonly table = new LockTable<RunningAttempt>((block) => {
    this.#locks.add(block)
    this.#tell({ block })
  })
  readonly #redis: Redis
  readonly #locks = new LockReader()
  readonly #rounds: LockRounds
  readonly #ticks = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  readonly #users = new Set<LockUser>()
  #thread: Worker | undefined
  #started = Promise.withResolvers<void>()
  #isUp = false
  #timer: NodeJS.Timeout | undefined
  #standIns = 0
  #stoodInAt = Number.NEGATIVE_INFINITY

  /** @param redis has our scripts */
  static of(redis: Redis): LockKeeper {
    const keeper = keepers.get(redis) ?? new LockKeeper(redis)
    keepers.set(redis, keeper)
    return keeper
  }

  private constructor(redis: Redis) {
    this.#redis = redis
    this.#rounds = new LockRounds(
      this.#locks,
      (name, keys, args) => runScript(redis, name, keys, args),
      (verdicts) => this.#pass(verdicts),
    )
  }

  /** Resolves when the thread watches, or cannot be started, which is reported. */
  join(user: LockUser): Promise<void> {
    this.#users.add(user)
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref()
    if (this.#thread) this.tellOwners()
    else this.#launch()
    return this.#started.promise
  }

  /** To be called when those of a user have changed. */
  tellOwners(): void {
    this.#tell({ owners: this.#owners })
  }

  /** Ends the thread with the last user. */
  async leave(user: LockUser): Promise<void> {
    this.#users.delete(user)
    if (this.#users.size > 0) return this.tellOwners()
    clearInterval(this.#timer)
    this.#timer = undefined
    const thread = this.#thread
    this.#forgetThread()
    await thread?.terminate()
  }

  get #owners(): LockOwner[] {
    return Array.from(this.#users).flatMap(({ owners }) => [...owners])
  }

  #launch(): void {
    this.#started = Promise.withResolvers()
    const { host, port, family, path, username, password, db, tls } = this.#redis.options
    const data = {
      connection: { host, port, family, path, username, password, db, tls },
      blocks: this.table.blocks,
      owners: this.#owners,
      ticks: this.#ticks,
    } as LockThreadData
    // Neither our arguments nor our environment: what they preload has no place in a small thread. What Node has compiled
    // for this process is of use there too: the client of Redis is half of what it takes to start it.
    const compiled = getCompileCacheDir()
    const env = compiled === undefined ? {} : { NODE_COMPILE_CACHE: dirname(compiled) }
    const options = { workerData: data, resourceLimits: MEMORY, execArgv: [], env, name: 'foliot locks' }
    try {
      const thread = new Worker(THREAD, options)
      thread.on('message', (message: FromLockThread) => this.#thread === thread && this.#hear(message))
      thread.once('error', (error: Error) => this.#ended(thread, error))
      thread.once('exit', (code) => this.#ended(thread, new Error(`it ended with code ${code}`)))
      // Last: whoever listens keeps the process alive.
      thread.unref()
      this.#thread = thread
    } catch (error) {
      this.#ended(undefined, error as Error)
    }
  }

  #ended(thread: Worker | undefined, cause: Error): void {
    if (thread !== this.#thread) return
    this.#forgetThread()
    this.#report(new Error(`the thread that renews locks is gone: ${cause.message}; ${MEANWHILE}`, { cause }))
    setTimeout(() => this.#relaunch(), RESTART_AFTER_MS).unref()
  }

  #forgetThread(): void {
    this.#thread = undefined
    this.#isUp = false
    this.#started.resolve()
  }

  #relaunch(): void {
    if (!this.#thread && this.#users.size > 0) this.#launch()
  }

  #tell(message: ToLockThread): void {
    this.#thread?.postMessage(message)
  }

  #hear(message: FromLockThread): void {
    switch (message.kind) {
      case 'up':
        this.#isUp = true
        this.#started.resolve()
        break
      case 'verdicts':
        this.#pass(message.verdicts)
        break
      case 'failed':
        void this.#standIn(message.message)
    }
  }

  /** Renews what the thread could not. That Redis is away is told by our own failure. */
  async #standIn(cause: string): Promise<void> {
    const now = monotonicMs()
    if (now - this.#stoodInAt > 2 * RENEW_EVERY_MS) this.#standIns = 0
    this.#stoodInAt = now
    if (!(await this.#renew()) || ++this.#standIns !== STAND_INS) return
    this.#report(new Error(`the thread that renews locks cannot reach Redis, though we can: ${cause}; ${MEANWHILE}`))
  }

  /** An attempt that has ended in the meantime, or will hear of it from its move, is no longer found. */
  #pass(verdicts: readonly Verdict[]): void {
    for (const { row, state, request } of verdicts) {
      const attempt = this.table.holder(row, state)
      const cancel = parseCancelRequest(request)
      if (cancel) attempt?.cancel(cancel)
      else if (request === undefined) attempt?.stop('lost')
    }
  }

  #tick(): void {
    Atomics.add(this.#ticks, 0, 1)
    if (!this.#isUp) void this.#renew()
  }

  /** Whether it was time for a round, and it went well. */
  async #renew(): Promise<boolean> {
    const now = monotonicMs()
    if (!this.#rounds.isDue(now)) return false
    try {
      await this.#rounds.round(now)
      return true
    } catch (error) {
      this.#report(error as Error)
      return false
    }
  }

  #report(error: Error): void {
    for (const user of this.#users) user.onError(error)
  }
}
