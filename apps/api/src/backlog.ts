import { FoliotError } from '@foliot/jobs'
import type { Service } from '@foliot/lifecycle'
import { type Catalog, isRecording, isRedisTrouble, measureOutboxes } from '@foliot/queue'
import type { Logger } from '@foliot/telemetry'
import type { Redis } from 'ioredis'

export interface BacklogOptions {
  /** A connection for requests. */
  redis: Redis
  catalog: Catalog
  /** How many jobs that finished may wait for the history. */
  maxJobs: number
  log: Logger
}

const LOOK_EVERY_MS = 5000
/** An outbox empties by thousands of jobs a second once the history is back. */
const RETRY_AFTER_S = 60

/**
 * Knows, as of a few seconds ago, how much waits for the history. What finished stays in Redis until it was recorded, so
 * where nothing is recorded for long no more is taken in before Redis is full: nothing is dropped.
 */
export class Backlog implements Service {
  readonly name = 'backlog of the history'
  readonly #options: BacklogOptions
  #timer: NodeJS.Timeout | undefined
  #waiting = 0

  constructor(options: BacklogOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS)
    void this.#look()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
  }

  /** @throws FoliotError `backpressure` if too much waits to take in any more */
  assertRoom(): void {
    const { maxJobs } = this.#options
    if (this.#waiting <= maxJobs) return
    const found = `expected at most ${maxJobs} finished jobs that wait for the history, found ${this.#waiting}`
    throw new FoliotError('backpressure', found, {
      retryAfterSeconds: RETRY_AFTER_S,
      hint: 'see to the recorder and to PostgreSQL: what finished cannot leave Redis',
    })
  }

  async #look(): Promise<void> {
    const { redis, catalog, maxJobs, log } = this.#options
    try {
      const outboxes = (await isRecording(redis)) ? await measureOutboxes(redis, catalog.queues) : []
      const waiting = outboxes.reduce((sum, outbox) => sum + outbox.waiting, 0)
      if (waiting > maxJobs !== this.#waiting > maxJobs) {
        const state = waiting > maxJobs ? 'no more jobs are taken in' : 'jobs are taken in again'
        log.warn({ waiting, maxJobs }, `${waiting} finished jobs wait for the history: ${state}`)
      }
      this.#waiting = waiting
    } catch (err) {
      // That Redis is away is told by `RedisWatch`, and nothing can be stored then.
      if (!isRedisTrouble(err)) log.warn({ err }, 'could not see how much waits for the history; looking again')
    }
  }
}
