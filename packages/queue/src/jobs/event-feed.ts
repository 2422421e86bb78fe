import type { Redis } from 'ioredis'
import { bullKeys, scheduleEventsKey } from '../keys.ts'
import { comparePositions } from './event-position.ts'

/** Stands where a queue's name does for what happens to schedules, see `toFindingEvent`. No queue can have this name. */
export const SCHEDULE_EVENTS = '~schedules'

/** STREAM of what happens in a queue, or to schedules. */
export const eventStreamOf = (queue: string): string =>
  queue === SCHEDULE_EVENTS ? scheduleEventsKey : bullKeys(queue).events

/** An entry of a queue's event stream, as BullMQ and our scripts write them. */
export interface RawEvent {
  queue: string
  /** `<ms since 1970>-<number>`: its position in the stream. */
  id: string
  fields: Record<string, string>
}

/** Somebody who hears of every event of a queue. */
export interface FeedListener {
  onEvent(event: RawEvent): void
  /** Events behind the last one may be lost: the stream was trimmed before it was read. */
  onGap?(): void
  /** The feed can no longer tell, or was stopped. Nothing comes any more. */
  onEnd(): void
}

export interface Listening {
  /** Every event behind this one comes; none before. */
  readonly from: string
  /** Has to be called, also after the end. Safe twice. */
  release(): void
}

/**
 * Tells of events of queues as they happen: one blocking read for each queue that somebody listens to, none otherwise. The
 * streams are trimmed, so a process that falls far behind may lose events.
 */
export class EventFeed {
  readonly #redis: Redis
  readonly #queues = new Map<string, QueueFeed>()

  /** @param redis any connection; each queue that is listened to gets a copy of it that may block */
  constructor(redis: Redis) {
    this.#redis = redis
  }

  /** Once it resolves, no event is missed. */
  async listen(queue: string, listener: FeedListener): Promise<Listening> {
    let feed = this.#queues.get(queue)
    if (!feed) {
      feed = new QueueFeed(this.#redis, queue, () => this.#queues.delete(queue))
      this.#queues.set(queue, feed)
    }
    return feed.add(listener)
  }

  /** Safe twice. */
  stop(): void {
    for (const feed of this.#queues.values()) feed.end()
    this.#queues.clear()
  }
}

/** How long one read blocks: how soon a feed that nobody needs any more ends by itself. */
const BLOCK_MS = 1000

/** A read that brings so many may be one that came late. */
const READ_AT_ONCE = 1000

class QueueFeed {
  readonly #queue: string
  readonly #stream: string
  readonly #connection: Redis
  readonly #listeners = new Set<FeedListener>()
  readonly #onEnd: () => void
  readonly #started: Promise<void>
  /** Where it began; empty before. */
  #start = ''
  #position = ''
  #ended = false

  constructor(redis: Redis, queue: string, onEnd: () => void) {
    this.#queue = queue
    this.#stream = eventStreamOf(queue)
    this.#onEnd = onEnd
    this.#connection = redis.duplicate({
      socketTimeout: BLOCK_MS + 1000,
      enableOfflineQueue: true,
      maxRetriesPerRequest: 1,
    })
    // Every failed read ends the feed and tells the listeners, who meet the trouble themselves.
    this.#connection.on('error', () => undefined)
    this.#started = this.#findEnd()
    this.#started.then(
      () => this.#run(),
      () => this.end(),
    )
  }

  async add(listener: FeedListener): Promise<Listening> {
    // What it hears begins here, unless the feed itself has yet to begin.
    const from = this.#position
    this.#listeners.add(listener)
    const release = (): void => void this.#listeners.delete(listener)
    try {
      await this.#started
    } catch (error) {
      release()
      throw error
    }
    return { from: from || this.#start, release }
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#onEnd()
    for (const listener of this.#listeners) listener.onEnd()
    this.#connection.disconnect()
  }

  async #findEnd(): Promise<void> {
    const [last] = await this.#connection.xrevrange(this.#stream, '+', '-', 'COUNT', 1)
    this.#start = last?.[0] ?? '0-0'
    this.#position = this.#start
  }

  async #run(): Promise<void> {
    const at = ['COUNT', READ_AT_ONCE, 'BLOCK', BLOCK_MS, 'STREAMS', this.#stream] as const
    try {
      while (this.#listeners.size > 0 && !this.#ended) {
        const reply = await this.#connection.xread(...at, this.#position)
        const entries = reply?.[0]?.[1] ?? []
        if (entries.length === READ_AT_ONCE) await this.#lookForGap()
        for (const [id, fields] of entries) {
          this.#position = id
          const event = { queue: this.#queue, id, fields: toRecord(fields) }
          for (const listener of this.#listeners) listener.onEvent(event)
        }
      }
    } catch {
      // The connection broke. Whoever listens is told by `end`.
    }
    this.end()
  }

  async #lookForGap(): Promise<void> {
    const [first] = await this.#connection.xrange(this.#stream, '-', '+', 'COUNT', 1)
    if (!first || comparePositions(first[0], this.#position) <= 0) return
    for (const listener of this.#listeners) listener.onGap?.()
  }
}

export function toRecord(fields: readonly string[]): Record<string, string> {
  const record: Record<string, string> = {}
  for (let i = 0; i < fields.length; i += 2) record[fields[i] as string] = fields[i + 1] as string
  return record
}
