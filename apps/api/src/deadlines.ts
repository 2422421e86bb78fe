import type { Service } from '@foliot/lifecycle'
import { type Catalog, endOverdue, isRedisTrouble, LOOK_FOR_OVERDUE_EVERY_MS } from '@foliot/queue'
import type { Logger } from '@foliot/telemetry'
import type { Redis } from 'ioredis'

/**
 * Ends jobs that wait past their deadline, in every queue there is: also those that no worker comes to, because there is
 * none or their queue is paused.
 */
export class Deadlines implements Service {
  readonly name = 'deadlines'
  readonly #redis: Redis
  readonly #catalog: Catalog
  readonly #log: Logger
  #timer: NodeJS.Timeout | undefined
  #round: Promise<unknown> | undefined
  #stopping = false

  /** @param redis a connection for requests: while Redis is away there is nothing to wait for, the next round comes anyway */
  constructor(redis: Redis, catalog: Catalog, log: Logger) {
    this.#redis = redis
    this.#catalog = catalog
    this.#log = log
  }

  async start(): Promise<void> {
    this.#timer = setInterval(() => {
      this.#round ??= this.#look().finally(() => {
        this.#round = undefined
      })
    }, LOOK_FOR_OVERDUE_EVERY_MS)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#stopping = true
    await this.#round
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    await Promise.all(this.#catalog.queues.map((queue) => this.#lookAt(queue)))
  }

  async #lookAt(queue: string): Promise<void> {
    let jobs = 0
    try {
      for (let more = true; more && !this.#stopping; ) {
        const found = await endOverdue(this.#redis, queue)
        jobs += found.ended
        more = found.more
      }
    } catch (err) {
      // That Redis is away or refuses writes is told once, by `RedisWatch`.
      if (!isRedisTrouble(err)) {
        this.#log.warn({ err, queue }, `deadlines could not be looked at; it is tried again`)
      }
    }
    if (jobs > 0) this.#log.warn({ queue, jobs }, 'jobs waited past their deadline and have timed out')
  }
}
