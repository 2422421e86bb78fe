import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { assertSafeRedis } from './connection.ts'
import { denialOf } from './denial.ts'
import { isRedisTrouble } from './redis-trouble.ts'
import { WriteWatch } from './write-watch.ts'

const LOOK_EVERY_MS = 1000

/** What this needs of a logger; pino's fits. */
export interface ConnectionLog {
  info(message: string): void
  warn(fields: object, message: string): void
  error(message: string): void
  error(fields: object, message: string): void
}

export interface RedisConnectionOptions {
  /** A connection for loops. Stopping disconnects it. */
  redis: Redis
  /** What it means for this process that Redis refuses writes, for whoever reads the log. */
  whileRefused: string
  log: ConnectionLog
}

/**
 * A process's connection to Redis: waits for it at the start, says when it goes and comes back, and when it begins to
 * refuse writes and takes them again.
 */
export class RedisConnection {
  readonly name = 'connection to Redis'
  readonly #redis: Redis
  readonly #log: ConnectionLog
  readonly #writes: WriteWatch
  readonly #denied = Promise.withResolvers<string>()
  #timer: NodeJS.Timeout | undefined
  #looking = false
  #isSafe = false
  #complained = false
  #upSince = 0
  #lastRefused = 0

  constructor({ redis, whileRefused, log }: RedisConnectionOptions) {
    this.#redis = redis
    this.#log = log
    this.#writes = new WriteWatch(redis, {
      onRefused: ({ state, mend }) =>
        log.error(`${state}: ${this.#place} refuses writes. Until it takes them ${whileRefused}. ${mend}`),
      onTaken: () => log.info(`Redis at ${this.#place} takes writes again`),
    })
    redis.on('error', (err: Error) => this.#complain(err))
    redis.on('ready', () => {
      this.#upSince = Date.now()
      if (this.#complained) log.info('Redis is back')
      this.#complained = false
    })
  }

  /**
   * Resolves, with the reason, when Redis does not let this process in any more. Commands do not wait for that to pass, as
   * they do while it is away: they fail, and so does whatever depends on them.
   */
  get denied(): Promise<string> {
    return this.#denied.promise
  }

  get isUp(): boolean {
    return this.#redis.status === 'ready'
  }

  /** When the connection was last made, in ms since 1970; 0 before the first time. */
  get upSince(): number {
    return this.#upSince
  }

  /** When Redis last said that it takes no writes, in ms since 1970; 0 before the first time. No heartbeat gets through then. */
  get lastRefused(): number {
    return this.#lastRefused
  }

  /**
   * Waits for Redis as long as it takes, also for one that refuses writes.
   *
   * @throws FoliotError if Redis answers and is not safe to use, or lets nobody in.
   */
  async start(): Promise<void> {
    try {
      await assertSafeRedis(this.#redis)
    } catch (err) {
      throw denialOf(err, this.#redis) ?? err
    }
    this.#isSafe = true
    for (;;) {
      await this.#lookAtWrites()
      if (!this.#writes.refuses) break
      await sleep(LOOK_EVERY_MS)
    }
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#redis.disconnect()
  }

  /** Once for each time that Redis goes, not for each try to reach it. */
  #complain(err: Error): void {
    const denial = denialOf(err, this.#redis)
    if (denial) {
      // Before that, what waits for its answer is refused with it: `start` tells.
      if (this.#isSafe) this.#denied.resolve(denial.message)
      return
    }
    if (this.#complained) return
    this.#complained = true
    this.#log.error({ err }, `Redis at ${this.#place} is away; trying again until it is back: ${err.message}`)
  }

  async #look(): Promise<void> {
    // While Redis is away the look waits with all other commands.
    if (this.#looking) return
    this.#looking = true
    try {
      await this.#lookAtWrites()
    } catch (err) {
      if (!isRedisTrouble(err) && !denialOf(err, this.#redis))
        this.#log.warn({ err }, 'could not see whether Redis takes writes; looking again')
    } finally {
      this.#looking = false
    }
  }

  async #lookAtWrites(): Promise<void> {
    await this.#writes.look()
    if (this.#writes.refuses) this.#lastRefused = Date.now()
  }

  get #place(): string {
    const { host, port } = this.#redis.options
    return `${host}:${port}`
  }
}
