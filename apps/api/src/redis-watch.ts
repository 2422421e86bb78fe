import type { Service } from '@foliot/lifecycle'
import { assertSafeRedis, type Catalog, isRedisTrouble, refusalOf, WriteWatch } from '@foliot/queue'
import type { Logger } from '@foliot/telemetry'
import type { Redis } from 'ioredis'

const REFRESH_EVERY_MS = 1000
/** A Redis that is there is connected to within milliseconds. */
const FIRST_NEWS_WITHIN_MS = 1500

/**
 * Keeps an eye on Redis without depending on it: the api starts and answers 503 while Redis is away. Refuses one that is
 * not safe to use, as soon as it can ask. Says when it begins to refuse writes, as a full one does, and when that is over.
 * Keeps the catalog in step.
 *
 * An api whose Redis refuses writes stays ready: the others have the same Redis. A balancer that took them all out would
 * only take away what still works, which is to read jobs, cancel those that wait and redrive single dead letters.
 */
export class RedisWatch implements Service {
  readonly name = 'Redis'
  readonly #redis: Redis
  readonly #catalog: Catalog
  readonly #log: Logger
  readonly #writes: WriteWatch
  #timer: NodeJS.Timeout | undefined
  #safe = false
  #away = false

  constructor(redis: Redis, catalog: Catalog, log: Logger) {
    this.#redis = redis
    this.#catalog = catalog
    this.#log = log
    this.#writes = new WriteWatch(redis, {
      onRefused: ({ state, mend }) =>
        log.error(
          `${state}: ${this.#place} refuses writes, and requests that need one get 503 until it takes them. ${mend}`,
        ),
      onTaken: () => log.info(`Redis at ${this.#place} takes writes again`),
    })
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
      await this.#writes.look()
      await this.#catalog.refresh()
      if (this.#away) this.#log.info('Redis is back')
      this.#away = false
    } catch (err) {
      if (!this.#safe && !isRedisTrouble(err)) throw err
      // The look has told of a Redis that refuses even to be read.
      if (!refusalOf(err)) this.#noteAway(err as Error)
    }
  }

  #noteAway(err: Error): void {
    if (this.#away) return
    this.#away = true
    const until = 'requests get 503 until it does, and it is tried again and again'
    this.#log.error({ err }, `Redis at ${this.#place} does not answer; ${until}: ${err.message}`)
  }

  get #place(): string {
    const { host, port } = this.#redis.options
    return `${host}:${port}`
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
