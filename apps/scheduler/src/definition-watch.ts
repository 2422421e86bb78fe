import { setTimeout as sleep } from 'node:timers/promises'
import type { Service } from '@foliot/lifecycle'
import { awaitChanges, changesPosition, readCalendars } from '@foliot/queue'
import type { RuleBook } from '@foliot/schedules'
import type { Redis } from 'ioredis'
import type { Firing } from './firing.ts'
import type { SlotKeeper } from './slot-keeper.ts'
import type { SlotLoader } from './slot-loader.ts'

export interface DefinitionWatchOptions {
  /** A connection of its own: it waits on it. */
  redis: Redis
  rules: RuleBook
  firing: Firing
  loader: SlotLoader
  keeper: Pick<SlotKeeper, 'reload'>
}

const WAIT_MS = 500
const RETRY_MS = 200

/** Has schedules read again that were changed. */
export class DefinitionWatch implements Service {
  readonly name = 'definitions'
  readonly #options: DefinitionWatchOptions
  #isStopped = false
  #position = '0-0'
  #isBehind = true
  #lookedAt = Number.NEGATIVE_INFINITY
  #running: Promise<void> | undefined

  constructor(options: DefinitionWatchOptions) {
    this.#options = options
  }

  /** When the last look began that has been carried out, on the clock of `performance.now()`. */
  get lookedAt(): number {
    return this.#lookedAt
  }

  /** Before slots are loaded: what changes from now on is heard of. */
  async start(): Promise<void> {
    await this.#catchUp()
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#options.redis.disconnect()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#look().catch(async () => {
        if (!this.#isStopped) await sleep(RETRY_MS)
      })
    }
  }

  async #catchUp(): Promise<void> {
    const { redis, rules } = this.#options
    this.#position = await changesPosition(redis)
    rules.take(await readCalendars(redis))
    this.#isBehind = false
  }

  async #look(): Promise<void> {
    const { redis, rules, firing, loader, keeper } = this.#options
    if (this.#isBehind) {
      await this.#catchUp()
      keeper.reload()
    }
    const beganAt = performance.now()
    const changes = await awaitChanges(redis, this.#position, WAIT_MS)
    // Whatever goes wrong from here on, everything is read again; as if some were missed.
    this.#isBehind = true
    if (changes.isTorn) return
    const keys = new Set(changes.schedules)
    if (changes.calendars) {
      rules.take(await readCalendars(redis))
      for (const { key } of firing.plansWithCalendars()) keys.add(key)
    }
    await loader.reload(keys)
    this.#position = changes.position
    this.#isBehind = false
    if (changes.isAll) this.#lookedAt = beganAt
  }
}
