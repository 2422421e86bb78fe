import { FoliotError } from '@foliot/jobs'
import type { Service } from '@foliot/lifecycle'
import { assertSafeRedis, type Catalog, denialOf, isRedisTrouble, refusalOf, WriteWatch } from '@foliot/queue'
import type { Logger } from '@foliot/telemetry'
import type { Redis } from 'ioredis'

const REFRESH_EVERY_MS = 1000
/** A Redis that is there is connected to within milliseconds. */
const FIRST_NEWS_WITHIN_MS = 1500

/**
 * Keeps an eye on Redis without depending on it: the api starts and answers 503 while Redis is away. Refuses one that is
 * not safe to use or does not let the api in, as soon as it can ask. Says when it begins to refuse writes, as a full one
 * does, and when that is over. Keeps the catalog in step.
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
  readonly #unusable = Promise.withResolvers<string>()
  #timer: NodeJS.Timeout | undefined
  #looking = false
  #safe = false
  #denial: Error | undefined
  /** What has been told of a Redis that is not of use now. */
  #trouble: 'none' | 'away' | 'denied' = 'none'
  /** What has been told of a look that failed for another reason. */
  #complaint: string | undefined

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
    redis.on('error', (err: Error) => this.#noteError(err))
  }

  /** Resolves, with the reason, when Redis came after the start and turned out to be one that `start` would have refused. */
  get unusable(): Promise<string> {
    return this.#unusable.promise
  }

  /** @throws FoliotError if Redis answers and is not safe, or lets nobody in. One that is away is not waited for. */
  async start(): Promise<void> {
    await firstNews(this.#redis)
    await this.#round()
    if (this.#denial) throw this.#denial
    this.#redis.on('ready', () => void this.#look())
    this.#timer = setInterval(() => void this.#look(), REFRESH_EVERY_MS)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#redis.disconnect()
  }

  /** One round at a time: of two, both would tell what they find. */
  async #look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      await this.#round()
    } catch (err) {
      this.#refuse(err as Error)
    } finally {
      this.#looking = false
    }
  }

  /** @throws Error if Redis answers, and not that it is safe. */
  async #round(): Promise<void> {
    if (this.#redis.status !== 'ready') return
    try {
      if (!this.#safe) {
        await assertSafeRedis(this.#redis)
        this.#safe = true
      }
      await this.#writes.look()
      await this.#catalog.refresh()
      if (this.#trouble !== 'none') this.#log.info('Redis is back')
      this.#trouble = 'none'
      this.#complaint = undefined
    } catch (err) {
      if (isRedisTrouble(err)) {
        // The look has told of a Redis that refuses even to be read.
        if (!refusalOf(err)) this.#noteError(err as Error)
      } else if (this.#safe) this.#complain(err as Error)
      else throw err
    }
  }

  #refuse(err: Error): void {
    const hint = err instanceof FoliotError && err.hint ? `; ${err.hint}` : ''
    this.#unusable.resolve(`Redis at ${this.#place} cannot be used: ${err.message}${hint}`)
  }

  #noteError(err: Error): void {
    const denial = denialOf(err, this.#redis)
    // One that has never let the api in is no trouble that passes.
    if (denial && !this.#safe) {
      this.#denial = denial
      // Before that `start` tells.
      if (this.#timer) this.#refuse(denial)
      return
    }
    const trouble = denial ? 'denied' : 'away'
    if (this.#trouble === 'denied' || this.#trouble === trouble) return
    this.#trouble = trouble
    const until = 'requests get 503 until it does, and it is tried again and again'
    const what = denial ? 'does not let the api in any more' : 'does not answer'
    this.#log.error({ err }, `Redis at ${this.#place} ${what}; ${until}: ${(denial ?? err).message}`)
  }

  /** Each look fails the same way: once is enough. */
  #complain(err: Error): void {
    if (this.#complaint === err.message) return
    this.#complaint = err.message
    this.#log.error({ err }, `a look at Redis at ${this.#place} failed, and is tried again and again: ${err.message}`)
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
