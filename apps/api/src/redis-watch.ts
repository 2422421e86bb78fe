import type { Service } from '@foliot/lifecycle'
import { assertSafeRedis, type Catalog } from '@foliot/queue'
import type { Logger } from '@foliot/telemetry'
import type { Redis } from 'ioredis'

const REFRESH_EVERY_MS = 1000

/**
 * Keeps an eye on Redis without depending on it: the api starts and answers 503 while Redis is away. Refuses one that is
 * not safe to use, as soon as it can ask. Keeps the catalog in step.
 */
export class RedisWatch implements Service {
  readonly name = 'Redis'
  readonly #redis: Redis
  readonly #catalog: Catalog
  readonly #log: Logger
  #timer: NodeJS.Timeout | undefined
  #safe = false
  #away = false

  constructor(redis: Redis, catalog: Catalog, log: Logger) {
    this.#redis = redis
    this.#catalog = catalog
    this.#log = log
    // Each failed try to reach Redis is an error event; one line when it goes is enough.
    redis.on('error', (err: Error) => this.#noteAway(err))
    redis.on('ready', () => void this.#round())
  }

  /** @throws FoliotError if Redis answers and is not safe. One that is away is waited for. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.#round(), REFRESH_EVERY_MS)
    await this.#round()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#redis.disconnect()
  }

  async #round(): Promise<void> {
    if (this.#redis.status !== 'ready') return
    try {
      if (!this.#safe) {
        await assertSafeRedis(this.#redis)
        this.#safe = true
      }
      await this.#catalog.refresh()
      if (this.#away) this.#log.info('Redis is back')
      this.#away = false
    } catch (err) {
      this.#noteAway(err as Error)
    }
  }

  #noteAway(err: Error): void {
    if (this.#away) return
    this.#away = true
    const { host, port } = this.#redis.options
    this.#log.error({ err }, `Redis at ${host}:${port} does not answer; requests get 503 until it does: ${err.message}`)
  }
}
