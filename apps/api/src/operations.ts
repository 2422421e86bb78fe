import { hostname } from 'node:os'
import type { Service } from '@foliot/lifecycle'
import {
  driveOperation,
  isRedisTrouble,
  type JobMaker,
  type Operation,
  type OperationDriver,
  type OperationRequest,
  startOperation,
  takeOperation,
} from '@foliot/queue'
import type { Logger } from '@foliot/telemetry'
import type { Redis } from 'ioredis'

const LOOK_EVERY_MS = 2000
/** How many one process drives at a time; the others wait for it, or for another one. */
const MOST_AT_A_TIME = 100

/**
 * Drives bulk operations: those that were started here at once, and every couple of seconds those whose process died or
 * gave them back.
 */
export class Operations implements Service {
  readonly name = 'operations'
  readonly #redis: Redis
  readonly #log: Pick<Logger, 'warn'>
  readonly #stopping = new AbortController()
  readonly #driver: OperationDriver
  readonly #driven = new Set<Promise<unknown>>()
  #timer: NodeJS.Timeout | undefined
  #looking = false

  /**
   * @param redis a connection for requests: an operation whose Redis is away is left to whoever finds it back first
   * @param makeJobs for backfills
   */
  constructor(redis: Redis, log: Pick<Logger, 'warn'>, makeJobs?: JobMaker) {
    this.#redis = redis
    this.#log = log
    const { signal } = this.#stopping
    this.#driver = { owner: `${hostname()}-${process.pid}`, signal, ...(makeJobs && { makeJobs }) }
  }

  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS)
  }

  /** Gives back what it drives, after the step under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#stopping.abort()
    await Promise.allSettled(this.#driven)
  }

  /**
   * Starts an operation, and drives it here. `finished` resolves when this process has nothing more to do with it, and
   * never rejects: one that could not be driven is as it was at its start, until somebody takes it.
   */
  async begin(request: OperationRequest): Promise<{ operation: Operation; finished: Promise<Operation> }> {
    const { operation, finished: driven } = await startOperation(this.#redis, request, this.#driver)
    const finished = driven.catch((err) => {
      this.#note(err, operation.id)
      return operation
    })
    this.#track(finished)
    return { operation, finished }
  }

  /** Takes what nobody drives. */
  async look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      while (!this.#stopping.signal.aborted && this.#driven.size < MOST_AT_A_TIME) {
        const lease = await takeOperation(this.#redis, this.#driver.owner)
        if (!lease) return
        this.#track(driveOperation(this.#redis, lease, this.#driver).catch((err) => this.#note(err, lease.id)))
      }
    } catch (err) {
      this.#note(err)
    } finally {
      this.#looking = false
    }
  }

  #track(driven: Promise<unknown>): void {
    this.#driven.add(driven)
    void driven.finally(() => this.#driven.delete(driven))
  }

  /** That Redis is away is told once, by who watches it. */
  #note(err: unknown, operation?: string): void {
    if (!isRedisTrouble(err)) this.#log.warn({ err, operation }, 'an operation could not be driven; it is tried again')
  }
}
