import type { Service } from '@foliot/lifecycle'
import { assertSafeRedis, type Catalog, isRedisTrouble } from '@foliot/queue'
import type { Logger } from '@foliot/telemetry'
import type { Redis } from 'ioredis'

const REFRESH_EVERY_MS = 1000
/** A Redis that is there is connected to within milliseconds. */
const FIRST_NEWS_WITHIN_MS = 1500

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
  }

  /** @throws FoliotError if Redis answers and is not safe. One that is away is not waited for. */
  async start(): Promise<void> {
    await firstNews(this.#redis)
    await this.#round()
    // One that comes later and is not safe ends the process: nobody catches what a round throws then.
    this.#redis.on('ready', () => void this.#round())
    this.#timer = setInterval(() => void this.#round(), REFRESH_EVERY_MS)
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
      if (!this.#safe && !isRedisTrouble(err)) throw err
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

/** Resolves when the connection is up, could not be made, or neither is known for long. */
async function firstNews(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, FIRST_NEWS_WITHIN_MS)
  const news = (): void => resolve()
  redis.once('ready', news).once('error', news)
  await promise
  clearTimeout(timer)
  redis.off('ready', news).off('error', news)
}
