import type { Redis } from 'ioredis'
import { bullKeys } from '../keys.ts'
import type { JobRef } from './moves.ts'

/** Somebody who waits for the end of one job. */
export interface FinishWaiter {
  /** Resolves when the job has ended, or when the watch can no longer tell. Read the job to know. */
  readonly done: Promise<void>
  /** Has to be called, also after `done`. */
  release(): void
}

/**
 * Wakes whoever waits for a job, from BullMQ's event stream: one blocking read for each queue that somebody waits on,
 * none otherwise. A stream is trimmed, so a busy queue may lose events: whoever waits looks at the job from time to time.
 */
export class FinishWatch {
  readonly #redis: Redis
  readonly #queues = new Map<string, QueueWatch>()

  /** @param redis any connection; each queue that is watched gets a copy of it that may block */
  constructor(redis: Redis) {
    this.#redis = redis
  }

  /** Once it resolves, no end of the job is missed: read the job's status after it, not before. */
  async watch({ queue, id }: JobRef): Promise<FinishWaiter> {
    let watch = this.#queues.get(queue)
    if (!watch) {
      watch = new QueueWatch(this.#redis, queue, () => this.#queues.delete(queue))
      this.#queues.set(queue, watch)
    }
    return watch.add(id)
  }

  stop(): void {
    for (const watch of this.#queues.values()) watch.end()
    this.#queues.clear()
  }
}

/** How long one read blocks: how soon a watch that nobody needs any more ends by itself. */
const BLOCK_MS = 1000

class QueueWatch {
  readonly #stream: string
  readonly #connection: Redis
  readonly #waiters = new Map<string, Set<() => void>>()
  readonly #onEnd: () => void
  readonly #started: Promise<string>
  #ended = false

  constructor(redis: Redis, queue: string, onEnd: () => void) {
    this.#stream = bullKeys(queue).events
    this.#onEnd = onEnd
    this.#connection = redis.duplicate({
      socketTimeout: BLOCK_MS + 1000,
      enableOfflineQueue: true,
      maxRetriesPerRequest: 1,
    })
    // Every failed read ends the watch and wakes the waiters, who meet the trouble themselves.
    this.#connection.on('error', () => undefined)
    this.#started = this.#lastId()
    this.#started.then(
      (from) => this.#run(from),
      () => this.end(),
    )
  }

  async add(id: string): Promise<FinishWaiter> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiters = this.#waiters.get(id) ?? new Set()
    this.#waiters.set(id, waiters.add(resolve))
    const release = (): void => {
      waiters.delete(resolve)
      if (waiters.size === 0) this.#waiters.delete(id)
    }
    try {
      await this.#started
    } catch (error) {
      release()
      throw error
    }
    return { done: promise, release }
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#onEnd()
    for (const waiters of this.#waiters.values()) for (const wake of waiters) wake()
    this.#connection.disconnect()
  }

  async #lastId(): Promise<string> {
    const [last] = await this.#connection.xrevrange(this.#stream, '+', '-', 'COUNT', 1)
    return last?.[0] ?? '0-0'
  }

  async #run(from: string): Promise<void> {
    let position = from
    try {
      while (this.#waiters.size > 0 && !this.#ended) {
        const reply = await this.#connection.xread('COUNT', 1000, 'BLOCK', BLOCK_MS, 'STREAMS', this.#stream, position)
        for (const [id, fields] of reply?.[0]?.[1] ?? []) {
          position = id
          this.#wake(fields)
        }
      }
    } catch {
      // The connection broke. Whoever waits is woken by `end` and reads the job, which says so.
    }
    this.end()
  }

  #wake(fields: string[]): void {
    let event: string | undefined
    let jobId: string | undefined
    for (let i = 0; i < fields.length; i += 2) {
      if (fields[i] === 'event') event = fields[i + 1]
      else if (fields[i] === 'jobId') jobId = fields[i + 1]
    }
    if (event !== 'completed' && event !== 'failed') return
    for (const wake of this.#waiters.get(jobId ?? '') ?? []) wake()
  }
}
