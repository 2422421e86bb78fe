import type { Service } from '@foliot/lifecycle'
import { assertSafeRedis } from '@foliot/queue'
import type { Logger } from '@foliot/telemetry'
import type { Redis } from 'ioredis'

/** The process's connection to Redis: waits for it at the start, says when it goes and comes back. */
export class RedisConnection implements Service {
  readonly name = 'connection to Redis'
  readonly #redis: Redis
  readonly #log: Logger
  #complained = false
  #upSince = 0

  constructor(redis: Redis, log: Logger) {
    this.#redis = redis
    this.#log = log
    redis.on('error', (err: Error) => this.#complain(err))
    redis.on('ready', () => {
      this.#upSince = Date.now()
      if (this.#complained) log.info('Redis is back')
      this.#complained = false
    })
  }

  get isUp(): boolean {
    return this.#redis.status === 'ready'
  }

  /** When the connection was last made, in ms since 1970; 0 before the first time. */
  get upSince(): number {
    return this.#upSince
  }

  /** Waits for Redis as long as it takes. Rejects only one that is not safe to use. */
  async start(): Promise<void> {
    await assertSafeRedis(this.#redis)
  }

  async stop(): Promise<void> {
    this.#redis.disconnect()
  }

  /** Once for each time that Redis goes, not for each try to reach it. */
  #complain(err: Error): void {
    if (this.#complained) return
    this.#complained = true
    const { host, port } = this.#redis.options
    this.#log.error({ err }, `Redis at ${host}:${port} is away; trying again until it is back: ${err.message}`)
  }
}
