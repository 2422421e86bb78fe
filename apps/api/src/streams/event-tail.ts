import { setTimeout as sleep } from 'node:timers/promises'
import { FoliotError } from '@foliot/jobs'
import {
  type Catalog,
  comparePositions,
  type EventFeed,
  type JobEvent,
  type Listening,
  type RawEvent,
  readEventsAfter,
  SCHEDULE_EVENTS,
  timeOfPosition,
  toFindingEvent,
  toJobEvent,
} from '@foliot/queue'
import type { Redis } from 'ioredis'
import type { JobReader } from '../job-reader.ts'
import { concerns, showFinding } from '../wire/watch.ts'
import { type EventPositions, writePositions } from './event-positions.ts'
import type { EventStream, ServerEvent } from './event-stream.ts'

/** Which events a reader wants; all, unless it says. */
export interface EventFilter {
  queue?: string | undefined
  type?: string | undefined
  /** Whose jobs. */
  tenant?: string | undefined
  events?: ReadonlySet<string> | undefined
  jobId?: string | undefined
  /** Whether it wants those of schedules too. */
  schedules?: boolean | undefined
}

export interface EventTailOptions {
  redis: Redis
  catalog: Catalog
  feed: EventFeed
  jobs: Pick<JobReader, 'briefs'>
  filter: EventFilter
  /** Where a reader that comes again has been. Undefined for one that wants what happens from now on. */
  seen: EventPositions | undefined
}

/** How many events are sent at once. */
const AT_ONCE = 200

/** How many may wait for a reader. One that is further behind comes again for what the streams still have. */
const MOST_WAITING = 10_000

/** How often it is seen to that new queues are told of too, and that a reader knows how far it is. */
const ROUND_MS = 1000

interface Told {
  id: string
  event: JobEvent | undefined
  /** What is no event of a job, as it is sent. */
  other?: ServerEvent
}

type Waiting = RawEvent | { queue: string; lost: true }

/** The events of jobs for one reader: what it has missed, then what happens. */
export class EventTail {
  readonly #options: EventTailOptions
  readonly #positions: EventPositions = new Map()
  readonly #listening: Listening[] = []
  /** By queue: what it has missed ends here. */
  readonly #missedUntil = new Map<string, string>()
  /** Queues of which it was told that there were events of jobs that nobody knows any more. */
  readonly #unknownIn = new Set<string>()
  #waiting: Waiting[] = []
  #trouble: FoliotError | undefined
  #stream: EventStream | undefined
  #wake: () => void = () => undefined
  #toldId = ''

  private constructor(options: EventTailOptions) {
    this.#options = options
  }

  /** Nothing is missed from here on. `close` it. @throws what Redis throws */
  static async open(options: EventTailOptions): Promise<EventTail> {
    const tail = new EventTail(options)
    try {
      // A queue that the reader has seen nothing of is newer; of schedules it did not want to know before.
      const first = (from: string, queue: string) => (options.seen && queue !== SCHEDULE_EVENTS ? '0-0' : from)
      await tail.#listen(({ from }, queue) => options.seen?.get(queue) ?? first(from, queue))
    } catch (error) {
      tail.close()
      throw error
    }
    return tail
  }

  close(): void {
    for (const { release } of this.#listening) release()
  }

  /** Sends events until the reader has gone. @throws FoliotError `unavailable` when Redis can no longer be read. */
  async send(stream: EventStream): Promise<void> {
    this.#stream = stream
    while (!stream.gone.aborted) {
      for (const [queue, until] of this.#missedUntil) await this.#sendMissed(stream, queue, until)
      await this.#sendAll(stream, this.#waiting.splice(0, AT_ONCE))
      if (this.#waiting.length > 0) continue
      if (this.#trouble) throw this.#trouble
      await this.#sendPosition(stream)
      await this.#news(stream.gone)
      // A queue that was not there before is told of from its beginning.
      await this.#listen(() => '0-0')
    }
  }

  async #listen(start: (listening: Listening, queue: string) => string): Promise<void> {
    const { catalog, feed, filter } = this.#options
    const queues = filter.queue === undefined ? catalog.queues : [filter.queue]
    for (const queue of filter.schedules ? [...queues, SCHEDULE_EVENTS] : queues) {
      if (this.#positions.has(queue)) continue
      const listening = await feed.listen(queue, {
        onEvent: (event) => this.#add(event),
        onGap: () => this.#add({ queue, lost: true }),
        onEnd: () => this.#end(queue),
      })
      this.#listening.push(listening)
      this.#positions.set(queue, start(listening, queue))
      this.#missedUntil.set(queue, listening.from)
    }
  }

  #add(event: Waiting): void {
    if (this.#waiting.length < MOST_WAITING) this.#waiting.push(event)
    else this.#stream?.stop('this reader is too slow')
    this.#wake()
  }

  #end(queue: string): void {
    this.#trouble ??= new FoliotError('unavailable', `the events of ${nameOf(queue)} cannot be read any more`, {
      retryAfterSeconds: 1,
      hint: 'Redis has gone: ask again with the last id as Last-Event-ID',
    })
    this.#wake()
  }

  /** Resolves when something waits, the reader has gone, or it is time to look around. */
  async #news(gone: AbortSignal): Promise<void> {
    if (this.#waiting.length > 0 || this.#trouble) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    const over = new AbortController()
    const round = sleep(ROUND_MS, undefined, { signal: AbortSignal.any([gone, over.signal]) }).catch(() => undefined)
    await Promise.race([promise, round])
    over.abort()
  }

  /** What a queue's stream still has of what happened before anybody listened for this reader. */
  async #sendMissed(stream: EventStream, queue: string, until: string): Promise<void> {
    this.#missedUntil.delete(queue)
    let at = this.#positions.get(queue) as string
    while (at !== until && !stream.gone.aborted) {
      const { events, isGap, isBeyond } = await readEventsAfter(this.#options.redis, queue, at, AT_ONCE)
      if (isGap) await stream.send([gapIn(queue)])
      // Redis has lost what this reader saw last.
      if (isBeyond) this.#positions.set(queue, until)
      const missed = events.filter(({ id }) => comparePositions(id, until) <= 0)
      await this.#sendAll(stream, missed)
      if (missed.length < AT_ONCE) return
      at = this.#positions.get(queue) as string
    }
  }

  async #sendAll(stream: EventStream, batch: readonly Waiting[]): Promise<void> {
    const told: Told[] = []
    for (const raw of batch) {
      if ('lost' in raw) {
        told.push({ id: '', event: undefined, other: gapIn(raw.queue) })
        continue
      }
      if (comparePositions(raw.id, this.#positions.get(raw.queue) as string) <= 0) continue
      this.#positions.set(raw.queue, raw.id)
      if (raw.queue === SCHEDULE_EVENTS) {
        const other = this.#ofSchedule(raw)
        if (other) told.push({ id: other.id as string, event: undefined, other })
        continue
      }
      const event = toJobEvent(raw)
      if (event && this.#isWanted(event)) told.push({ id: writePositions(this.#positions), event })
    }
    const sent = await this.#keepFitting(told)
    this.#toldId = sent.findLast(({ id }) => id !== undefined)?.id ?? this.#toldId
    await stream.send(sent)
  }

  /** Undefined for what the reader did not ask for, or may not see. */
  #ofSchedule({ id, fields }: RawEvent): ServerEvent | undefined {
    const { events, tenant } = this.#options.filter
    const told = toFindingEvent(fields)
    if (!told || !concerns(told.finding, tenant) || events?.has(told.event) === false) return undefined
    const data = { ...showFinding(told.finding), at: new Date(timeOfPosition(id)).toISOString() }
    return { id: writePositions(this.#positions), event: told.event, data: JSON.stringify(data) }
  }

  /** Leaves out events of jobs that the reader did not ask for, or may not see. */
  async #keepFitting(told: readonly Told[]): Promise<ServerEvent[]> {
    const { type, tenant } = this.#options.filter
    const events = told.flatMap(({ event }) => event ?? [])
    const needsBriefs = type !== undefined || tenant !== undefined
    const refs = events.map(({ queue, jobId }) => ({ queue, id: jobId }))
    const briefs = needsBriefs ? await this.#options.jobs.briefs(refs) : []
    let n = 0
    return told.flatMap(({ id, event, other }) => {
      if (!event) return other ?? []
      const { event: name, ...data } = event
      if (!needsBriefs) return { id, event: name, data: JSON.stringify(data) }
      const brief = briefs[n++]
      if (brief === undefined) {
        // Nobody knows any more what job that was, nor whose: that there was one is told once, and not when.
        if (this.#unknownIn.has(event.queue)) return []
        this.#unknownIn.add(event.queue)
        return gapIn(event.queue)
      }
      if ((type ?? brief.type) !== brief.type || (tenant ?? brief.tenant) !== brief.tenant) return []
      return { id, event: name, data: JSON.stringify(type === undefined ? data : { ...data, type }) }
    })
  }

  #isWanted({ event, jobId }: JobEvent): boolean {
    const { filter } = this.#options
    return (filter.events?.has(event) ?? true) && (filter.jobId === undefined || filter.jobId === jobId)
  }

  /** A reader that was sent nothing for a while would begin again far behind. */
  async #sendPosition(stream: EventStream): Promise<void> {
    const id = writePositions(this.#positions)
    if (id === this.#toldId) return
    this.#toldId = id
    await stream.send([{ id }])
  }
}

const gapIn = (queue: string): ServerEvent => ({
  event: 'gap',
  data: JSON.stringify(queue === SCHEDULE_EVENTS ? { schedules: true } : { queue }),
})

const nameOf = (queue: string): string => (queue === SCHEDULE_EVENTS ? 'schedules' : `queue ${queue}`)
