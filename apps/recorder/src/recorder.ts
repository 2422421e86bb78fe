import { setTimeout as sleep } from 'node:timers/promises'
import {
  DATABASE_TROUBLES,
  type Database,
  type DatabaseTrouble,
  databaseTroubleOf,
  type FinishedJob,
  recordJobs,
} from '@foliot/history'
import { isDeadLetter, isTerminal } from '@foliot/jobs'
import type { Service } from '@foliot/lifecycle'
import {
  type Catalog,
  denialOf,
  dropOutbox,
  dropUnkept,
  type FinishedEntry,
  holdOutbox,
  isRedisTrouble,
  queuesToEmpty,
  readOutbox,
  sayRecording,
  statusOf,
  takeFromOutbox,
} from '@foliot/queue'
import { Complaints, type Logger, type RecorderMetrics } from '@foliot/telemetry'
import type { Redis } from 'ioredis'
import { toFinishedJob } from './finished-job.ts'
import type { Upkeep } from './upkeep.ts'

export interface RecorderOptions {
  /** A connection for loops. */
  redis: Redis
  catalog: Catalog
  db: Database
  /** Sees that there are tables to write to. */
  upkeep: Upkeep
  /** Who this is, among several recorders. */
  recorder: string
  metrics: RecorderMetrics
  log: Logger
}

/** Between two looks at empty outboxes, in milliseconds: most of the time from the end of a job to its record. */
const LOOK_EVERY_MS = 500
/** After trouble. */
const RETRY_MS = 1000
/** So many jobs of each place go in one transaction. */
const BATCH = 500
/** How long another recorder waits after this one has died. */
const LEASE_MS = 10_000
/** Queues that are emptied at a time where much waits: Redis, the recorder and PostgreSQL each wait for the others. */
const LANES = 2
/** How long one queue is emptied before the others get their turn, in milliseconds. */
const TURN_MS = 2000
const SAY_EVERY_MS = 60_000
const DROP_EVERY_MS = 10_000

/**
 * Takes what finished into the history, queue by queue, and lets Redis forget it then. Whatever it is killed in the middle
 * of is done again: jobs leave the outbox after they were written, and to write one twice changes nothing.
 */
export class Recorder implements Service {
  readonly name = 'recorder'
  readonly #options: RecorderOptions
  readonly #stopped = new AbortController()
  /** Queues whose outbox is ours. */
  readonly #held = new Set<string>()
  /** What the history cannot keep, by queue. It stays in the outbox, and does not stand before the others. */
  readonly #refused = new Map<string, Set<string>>()
  #running: Promise<void> | undefined
  /** Whether the last look left something. */
  #isBehind = false
  #saidAt = 0
  #droppedAt = 0
  #trouble: DatabaseTrouble | undefined
  readonly #complaints: Complaints

  constructor(options: RecorderOptions) {
    this.#options = options
    this.#complaints = new Complaints(options.log)
  }

  /** Why nothing is recorded now, for people. Undefined if nothing is the matter. */
  get trouble(): string | undefined {
    return this.#trouble && DATABASE_TROUBLES[this.#trouble]
  }

  async start(): Promise<void> {
    this.#running = this.#run()
  }

  /** Resolves when the batch under way is written. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#running
    const { redis, recorder } = this.#options
    // Redis that is away forgets them by itself.
    if (redis.status !== 'ready') return
    await Promise.allSettled(Array.from(this.#held, (queue) => dropOutbox(redis, queue, recorder)))
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      const pauseMs = await this.#round().catch((error: unknown) => this.#explain(error))
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Looks at every outbox once. @returns how long to wait for the next look, in milliseconds */
  async #round(): Promise<number> {
    const { redis, catalog, upkeep } = this.#options
    if (Date.now() - this.#saidAt > SAY_EVERY_MS) {
      await sayRecording(redis)
      this.#saidAt = Date.now()
    }
    await catalog.refresh()
    await upkeep.seeTo()
    const waiting = await queuesToEmpty(redis, catalog.queues)
    this.#isBehind = await this.#emptyAll(waiting)
    if (Date.now() - this.#droppedAt > DROP_EVERY_MS) {
      this.#droppedAt = Date.now()
      for (const queue of catalog.queues) await dropUnkept(redis, queue)
    }
    if (this.#trouble) this.#options.log.info('PostgreSQL is back: what finished meanwhile is being recorded')
    this.#trouble = undefined
    return this.#isBehind ? 0 : LOOK_EVERY_MS
  }

  /** @returns whether there may be more */
  async #emptyAll(queues: readonly string[]): Promise<boolean> {
    let isMore = false
    const left = queues.values()
    const lane = async (): Promise<void> => {
      for (const queue of left) {
        const isLeft = await this.#empty(queue).catch((error: unknown) => this.#passOver(queue, error))
        isMore ||= isLeft
      }
    }
    const ended = await Promise.allSettled(Array.from({ length: this.#isBehind ? LANES : 1 }, lane))
    for (const end of ended) if (end.status === 'rejected') throw end.reason
    return isMore
  }

  /**
   * Records what is in the outbox of a queue, unless another recorder does: some of it, or if there is much, for a while.
   *
   * @returns whether there may be more
   */
  async #empty(queue: string): Promise<boolean> {
    const { redis, recorder } = this.#options
    const until = Date.now() + TURN_MS
    let isFull = true
    // What is being written while more is read. It stands in the outbox until it is taken.
    let underWay: { states: string[]; written: Promise<void> } | undefined
    try {
      for (let isFirst = true; isFull && !this.#stopped.signal.aborted; isFirst = false) {
        if (!isFirst && (!this.#isBehind || Date.now() >= until)) break
        if (!(await holdOutbox(redis, queue, recorder, LEASE_MS))) {
          this.#held.delete(queue)
          return false
        }
        this.#held.add(queue)
        const passed = new Set([...(this.#refused.get(queue) ?? []), ...(underWay?.states ?? [])])
        const batch = await readOutbox(redis, queue, BATCH, {
          size: passed.size,
          has: (entry) => passed.has(stateOf(entry)),
        })
        isFull = batch.length >= BATCH
        const states = batch.map(stateOf)
        const written = this.#record(queue, batch)
        // It is waited for further on, where its failure is told.
        written.catch(() => undefined)
        const before = underWay
        underWay = { states, written }
        await before?.written
      }
    } finally {
      await underWay?.written
    }
    return isFull
  }

  async #record(queue: string, batch: readonly FinishedEntry[]): Promise<void> {
    const { redis, catalog, db, metrics } = this.#options
    // Who announced the type of a job did so before it was enqueued: read after the jobs, the catalog knows all of them.
    await catalog.refresh()
    const isWanted = this.#choice()
    const reasons = new Map<string, string>()
    let jobs = 0
    const [wanted, unkept] = partition(batch, isWanted)
    // One is made after the other: what is made of a job is several times what is kept of it until it is written.
    const finishedJobs = function* (): Generator<FinishedJob> {
      for (const entry of wanted) {
        try {
          const job = toFinishedJob(entry)
          if (!job) continue
          jobs++
          yield job
        } catch (error) {
          reasons.set(entry.id, (error as Error).message)
        }
      }
    }
    const { refused } = await recordJobs(db, finishedJobs())
    for (const { id, reason } of refused) reasons.set(id, reason)
    const [left, taken] = partition(wanted, ({ id }) => reasons.has(id))
    for (const entry of left) this.#refuse(queue, entry, reasons.get(entry.id) as string)
    await takeFromOutbox(redis, queue, { taken, unkept })
    metrics.recorded(queue, jobs - refused.length)
  }

  /** Leaves an entry where it is until it changes, or until a recorder starts that may know better. */
  #refuse(queue: string, entry: FinishedEntry, reason: string): void {
    const { metrics, log } = this.#options
    const refused = this.#refused.get(queue) ?? new Set()
    this.#refused.set(queue, refused.add(stateOf(entry)))
    metrics.refused(queue)
    const message = `expected a job that the history can keep, and it refused this one: ${reason}`
    log.error({ jobId: entry.id, queue }, message)
  }

  /** What is the matter with one queue does not keep the others waiting. @returns that it is left for the next look */
  #passOver(queue: string, error: unknown): false {
    if (databaseTroubleOf(error) || isRedisTrouble(error) || denialOf(error, this.#options.redis)) throw error
    this.#complaints.tell(error, `nothing of queue ${queue} could be recorded`)
    return false
  }

  /** Which jobs the history keeps: all whose type says nothing else. Entries without a job are as good as kept. */
  #choice(): (entry: FinishedEntry) => boolean {
    const choices = new Map(this.#options.catalog.types.map(({ name, history = 'all' }) => [name, history]))
    return ({ place, stored }) => {
      if (stored === undefined) return true
      const status = statusOf(stored)
      // It was redriven while the outbox was read, and comes again when it ends.
      if (place === 'failed' && !isTerminal(status)) return false
      const choice = choices.get(stored.fields.name ?? '') ?? 'all'
      // What became of a job that was redriven belongs to its failure, which the history may have.
      return choice === 'all' || (choice === 'failures' && (isDeadLetter(status) || stored.fields.rd !== undefined))
    }
  }

  /** Says once what is the matter. @returns how long to wait, in milliseconds */
  #explain(error: unknown): number {
    const { redis, log } = this.#options
    const trouble = databaseTroubleOf(error)
    // That Redis is away, refuses writes or lets nobody in is told once, by the connection to it.
    if (!trouble && !isRedisTrouble(error) && !denialOf(error, redis)) {
      this.#complaints.tell(error, 'nothing could be recorded')
    }
    if (trouble && trouble !== this.#trouble) {
      const { message } = error as Error
      log.error(`${DATABASE_TROUBLES[trouble]}: what finishes stays in Redis until it can be recorded (${message})`)
    }
    this.#trouble = trouble ?? this.#trouble
    return RETRY_MS
  }
}

/** Tells an end from a later one of the same job. */
const stateOf = ({ id, score }: Pick<FinishedEntry, 'id' | 'score'>): string => `${id} ${score}`

function partition<T>(items: readonly T[], fits: (item: T) => boolean): [T[], T[]] {
  const [yes, no]: [T[], T[]] = [[], []]
  for (const item of items) (fits(item) ? yes : no).push(item)
  return [yes, no]
}
