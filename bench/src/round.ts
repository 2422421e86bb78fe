import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Database, type DatabaseOptions, openDatabase } from '@foliot/history'
import { type PostgresServer, type RedisServer, startPostgres, startRedis } from '@foliot/local-services'
import { Redis } from 'ioredis'
import type { Running } from './process.ts'
import type { Bench } from './run-bench.ts'

/**
 * What one round of one arm has started: a Redis of its own and processes that work with it. All of it ends with the
 * round, in the reverse order of its start, and at once when the bench is told to stop.
 */
export class Round implements AsyncDisposable {
  /** From 1. */
  readonly number: number
  /** For file names: `rest-3-ours`. */
  readonly name: string
  /** Aborted when the bench has to stop. */
  readonly signal: AbortSignal
  readonly #dir: string
  readonly #started = new AsyncDisposableStack()
  readonly #starting = new Set<Promise<unknown>>()
  readonly #broken = Promise.withResolvers<never>()
  #ending: Promise<void> | undefined

  constructor(number: number, arm: 'ours' | 'baseline', bench: Bench) {
    this.number = number
    this.name = `${bench.name}-${number}-${arm}`
    this.signal = bench.signal
    this.#dir = join(bench.dir, this.name)
    // Whether anybody waits for it depends on the arm.
    this.#broken.promise.catch(() => undefined)
    bench.signal.addEventListener('abort', this.#abort, { once: true })
  }

  /**
   * A new, empty Redis with the project's configuration. Only the rewriting of its append-only file is put off: it
   * would fall into the seconds of whichever arm gets past 64 MB first.
   */
  async startRedis(): Promise<RedisServer> {
    await mkdir(this.#dir, { recursive: true })
    const redis = await this.#keep(startRedis({ dir: this.#dir, args: ['--auto-aof-rewrite-percentage', '0'] }))
    this.#watch('Redis', redis.exited)
    return redis
  }

  /** A new, empty PostgreSQL with its defaults. It also notes when each transaction was committed. */
  async startPostgres(): Promise<PostgresServer> {
    const dir = join(this.#dir, 'postgres')
    const postgres = await this.#keep(startPostgres({ dir, args: ['-c', 'track_commit_timestamp=on'] }))
    this.#watch('PostgreSQL', postgres.exited)
    return postgres
  }

  /** Connections to it, which end with the round. */
  openDatabase({ url }: PostgresServer, limits: Omit<DatabaseOptions, 'url'> = {}): Database {
    const db = openDatabase({ ...limits, url })
    this.#started.defer(() => db.destroy())
    return db
  }

  /** A connection for looking on. */
  connect({ url }: RedisServer): Redis {
    const redis = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => null })
    // It ends with its Redis, whose end is noted already.
    redis.on('error', () => undefined)
    this.#started.defer(() => redis.disconnect())
    return redis
  }

  /** Takes charge of a process. If it ends before it is told to, the round fails. */
  async run<P extends Running>(starting: Promise<P>): Promise<P> {
    const process = await this.#keep(starting)
    this.#watch(process.name, process.exited, process)
    return process
  }

  /** Waits for work that depends on what was started. Rejects as soon as any of that breaks. */
  waitFor<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#broken.promise])
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.signal.removeEventListener('abort', this.#abort)
    this.#ending ??= this.#end()
    return this.#ending
  }

  async #end(): Promise<void> {
    await this.#started.disposeAsync()
    // What is about to start ends itself when it notices, and has to be gone before its folder is.
    await Promise.allSettled(this.#starting)
  }

  readonly #abort = (): void => {
    this.#broken.reject(this.signal.reason)
    void this[Symbol.asyncDispose]()
  }

  #keep<T extends AsyncDisposable>(starting: Promise<T>): Promise<T> {
    const kept = this.#keepStarted(starting)
    this.#starting.add(kept)
    // A failure is told to whoever waits for `kept` itself.
    const forget = (): void => void this.#starting.delete(kept)
    kept.then(forget, forget)
    return kept
  }

  async #keepStarted<T extends AsyncDisposable>(starting: Promise<T>): Promise<T> {
    const started = await starting
    if (this.#ending === undefined) return this.#started.use(started)
    await started[Symbol.asyncDispose]()
    throw new Error('the round has ended')
  }

  #watch(name: string, exited: Promise<unknown>, process?: Running): void {
    void exited.then(() => {
      if (this.#ending !== undefined || process?.isStopping) return
      this.#broken.reject(
        new Error(`${name} ended in the middle of a round${process ? `:\n${process.lastOutput}` : ''}`),
      )
    })
  }
}
