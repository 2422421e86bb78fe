import type { EventFeed, Listening, RawEvent } from './event-feed.ts'
import type { JobRef } from './moves.ts'

/** Somebody who waits for the end of one job. */
export interface FinishWaiter {
  /** Resolves when the job has ended, or when the watch can no longer tell. Read the job to know. */
  readonly done: Promise<void>
  /** Has to be called, also after `done`. */
  release(): void
}

/**
 * Wakes whoever waits for a job, from the events of its queue. They are no record, and a busy queue may lose some: whoever
 * waits looks at the job from time to time.
 */
export class FinishWatch {
  readonly #feed: EventFeed
  readonly #queues = new Map<string, QueueWatch>()

  constructor(feed: EventFeed) {
    this.#feed = feed
  }

  /** Once it resolves, no end of the job is missed: read the job's status after it, not before. */
  async watch({ queue, id }: JobRef): Promise<FinishWaiter> {
    let watch = this.#queues.get(queue)
    if (!watch) {
      watch = new QueueWatch(this.#feed, queue, () => this.#queues.delete(queue))
      this.#queues.set(queue, watch)
    }
    return watch.add(id)
  }

  stop(): void {
    for (const watch of this.#queues.values()) watch.end()
    this.#queues.clear()
  }
}

/** One listener for all who wait in a queue. */
class QueueWatch {
  readonly #waiters = new Map<string, Set<() => void>>()
  readonly #onEnd: () => void
  readonly #listening: Promise<Listening>
  #ended = false

  constructor(feed: EventFeed, queue: string, onEnd: () => void) {
    this.#onEnd = onEnd
    this.#listening = feed.listen(queue, { onEvent: (event) => this.#wake(event), onEnd: () => this.end() })
    // Whoever has asked for it is told.
    this.#listening.catch(() => this.end())
  }

  async add(id: string): Promise<FinishWaiter> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiters = this.#waiters.get(id) ?? new Set()
    this.#waiters.set(id, waiters.add(resolve))
    const release = (): void => {
      waiters.delete(resolve)
      if (waiters.size === 0 && this.#waiters.get(id) === waiters) this.#waiters.delete(id)
      if (this.#waiters.size === 0) this.end()
    }
    try {
      await this.#listening
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
    void this.#listening.then(
      ({ release }) => release(),
      () => undefined,
    )
  }

  #wake({ fields }: RawEvent): void {
    if (fields.event !== 'completed' && fields.event !== 'failed') return
    for (const wake of this.#waiters.get(fields.jobId ?? '') ?? []) wake()
  }
}
