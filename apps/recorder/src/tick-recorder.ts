import { type Database, recordTicks } from '@foliot/history'
import type { Service } from '@foliot/lifecycle'
import { type Catalog, HOMELESS_QUEUE, readUnfiredTicks, takeUnfiredTicks } from '@foliot/queue'
import type { Logger } from '@foliot/telemetry'
import type { Redis } from 'ioredis'
import { RecordingLoop } from './recording-loop.ts'
import type { Upkeep } from './upkeep.ts'

export interface TickRecorderOptions {
  /** A connection for loops. */
  redis: Redis
  catalog: Catalog
  db: Database
  /** Sees that there are tables to write to. */
  upkeep: Upkeep
  log: Logger
}

const BATCH = 500

/**
 * Takes what became of ticks that made no job into the history, queue by queue, and removes it from Redis then. To do so twice
 * changes nothing, so any number may do it at once, and one that is killed in between does no harm.
 */
export class TickRecorder implements Service {
  readonly name = 'ticks'
  readonly #options: TickRecorderOptions
  readonly #loop: RecordingLoop
  /** What the history cannot keep, by queue: it stays in Redis, and was told of. */
  readonly #refused = new Map<string, Set<string>>()

  constructor(options: TickRecorderOptions) {
    this.#options = options
    const { redis, log } = options
    const what = 'what became of ticks without a job'
    this.#loop = new RecordingLoop({ what, round: (signal) => this.#round(signal), redis, log })
  }

  async start(): Promise<void> {
    this.#loop.start()
  }

  /** Resolves when the batch under way is written. */
  stop(): Promise<void> {
    return this.#loop.stop()
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { catalog } = this.#options
    await catalog.refresh()
    // Ticks of types that nobody has announced are decided there.
    const queues = [...new Set([...catalog.queues, HOMELESS_QUEUE])]
    const waiting = await Promise.all(queues.map((queue) => this.#isWaiting(queue)))
    for (const queue of queues.filter((_, i) => waiting[i])) {
      while (!signal.aborted && (await this.#take(queue)));
    }
  }

  async #isWaiting(queue: string): Promise<boolean> {
    const passed = this.#refused.get(queue)?.size ?? 0
    return (await readUnfiredTicks(this.#options.redis, queue, passed + 1)).length > passed
  }

  /** Takes a batch. @returns whether there may be more */
  async #take(queue: string): Promise<boolean> {
    const { redis, db, upkeep } = this.#options
    const passed = this.#refused.get(queue) ?? new Set()
    const read = await readUnfiredTicks(redis, queue, BATCH + passed.size)
    const unfired = read.filter(({ place }) => !passed.has(place))
    if (unfired.length === 0) return false
    await upkeep.seeTo()
    const ticks = unfired.map(({ tick }) => tick)
    const reasons = new Map((await recordTicks(db, ticks)).map(({ item, reason }) => [item, reason]))
    const taken = unfired.filter(({ tick }) => !reasons.has(tick)).map(({ place }) => place)
    for (const { place, tick } of unfired) {
      const reason = reasons.get(tick)
      if (reason !== undefined) this.#refuse(queue, place, reason)
    }
    await takeUnfiredTicks(redis, queue, taken)
    this.#loop.recover()
    return read.length >= BATCH
  }

  #refuse(queue: string, place: string, reason: string): void {
    this.#refused.set(queue, (this.#refused.get(queue) ?? new Set()).add(place))
    const message = `expected a tick that the history can keep, and it refused this one: ${reason}`
    this.#options.log.error({ queue, place }, message)
  }
}
