import type { Redis } from 'ioredis'
import { writeProbeKey } from '../keys.ts'
import { type RedisRefusal, refusalOf } from './redis-trouble.ts'

/** After so many looks in a row at which it took writes it takes them again: a full Redis has room for moments. */
const CALM_LOOKS = 5

export interface WriteWatchEvents {
  /** Redis has begun to refuse writes. `state` is its, with the figures that tell more. */
  onRefused(refusal: RedisRefusal): void
  /** It takes them again. */
  onTaken(): void
}

/** Watches whether Redis takes writes, and tells when that changes. Whoever has one calls `look` now and then. */
export class WriteWatch {
  readonly #redis: Redis
  readonly #events: WriteWatchEvents
  #refuses = false
  #calm = 0

  constructor(redis: Redis, events: WriteWatchEvents) {
    this.#redis = redis
    this.#events = events
  }

  /** Whether it refused them when last heard of. */
  get refuses(): boolean {
    return this.#refuses
  }

  /** @throws Error of ioredis if Redis is away: then nothing is known of its writes. */
  async look(): Promise<void> {
    try {
      // Refused like any write that needs room; but nothing is at this key, so that nothing is written.
      await this.#redis.set(writeProbeKey, '1', 'XX')
    } catch (error) {
      const refusal = refusalOf(error)
      if (!refusal) throw error
      this.#calm = 0
      if (this.#refuses) return
      // Before it is waited for: another look that is under way tells of it no second time.
      this.#refuses = true
      // The news is told without them if they cannot be had.
      const figures = await this.#figures(error as Error).catch(() => '')
      const state = `${refusal.state}${figures}`
      return this.#events.onRefused({ ...refusal, state })
    }
    if (!this.#refuses || ++this.#calm < CALM_LOOKS) return
    this.#refuses = false
    this.#events.onTaken()
  }

  /** How full it is, if that is the matter. */
  async #figures({ message }: Error): Promise<string> {
    if (!message.startsWith('OOM')) return ''
    const info = await this.#redis.info('memory')
    const [used, most] = ['used_memory', 'maxmemory'].map(
      (name) => new RegExp(`^${name}_human:(\\S+)`, 'm').exec(info)?.[1],
    )
    return ` (used_memory ${used}, maxmemory ${most})`
  }
}
