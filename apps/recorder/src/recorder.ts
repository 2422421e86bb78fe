import { setTimeout as sleep } from 'node:timers/promises'
import { DATABASE_TROUBLES, type Database, type DatabaseTrouble, databaseTroubleOf, recordJobs } from '@foliot/history'
import { isDeadLetter } from '@foliot/jobs'
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
  type StoredJob,
  sayRecording,
  statusOf,
  takeFromOutbox,
} from '@foliot/queue'
import type { Logger, RecorderMetrics } from '@foliot/telemetry'
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
/** Jobs of each place of an outbox in one transaction. */
const BATCH = 500
/** How long another recorder waits after this one has died. */
const LEASE_MS = 10_000
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
  /** Ids that history cannot keep, by queue. They stay in the outbox, and do not stand before the others. */
  readonly #refused = new Map<string, Set<string>>()
  #running: Promise<void> | undefined
  #saidAt = 0
  #droppedAt = 0
  #trouble: DatabaseTrouble | undefined

  constructor(options: RecorderOptions) {
    this.#options = options
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
    for (const queue of waiting) await this.#empty(queue)
    if (Date.now() - this.#droppedAt > DROP_EVERY_MS) {
      this.#droppedAt = Date.now()
      for (const queue of catalog.queues) await dropUnkept(redis, queue)
    }
    if (this.#trouble) this.#options.log.info('PostgreSQL is back: what finished meanwhile is being recorded')
    this.#trouble = undefined
    return LOOK_EVERY_MS
  }

  /** Records what is in the outbox of a queue, for a while, unless another recorder does. */
  async #empty(queue: string): Promise<void> {
    const { redis, recorder } = this.#options
    const until = Date.now() + TURN_MS
    let batch: FinishedEntry[] = []
    do {
      if (!(await holdOutbox(redis, queue, recorder, LEASE_MS))) {
        this.#held.delete(queue)
        return
      }
      this.#held.add(queue)
      batch = await readOutbox(redis, queue, BATCH, this.#refused.get(queue)?.size)
      if (batch.length > 0) await this.#record(queue, batch)
    } while (batch.length >= BATCH && Date.now() < until && !this.#stopped.signal.aborted)
  }

  async #record(queue: string, batch: readonly FinishedEntry[]): Promise<void> {
    const { redis, db, metrics, log } = this.#options
    const known = this.#refused.get(queue) ?? new Set()
    const isWanted = this.#choice()
    const fresh = batch.filter(({ id }) => !known.has(id))
    const unkept = fresh.filter(({ stored }) => stored && !isWanted(stored))
    const wanted = fresh.filter((entry) => !unkept.includes(entry))
    const jobs = wanted.flatMap((entry) => toFinishedJob(entry) ?? [])
    const { refused } = await recordJobs(db, jobs)
    for (const { id, reason } of refused) {
      known.add(id)
      metrics.refused(queue)
      log.error({ jobId: id, queue }, `expected a job that the history can keep, and it refused this one: ${reason}`)
    }
    if (known.size > 0) this.#refused.set(queue, known)
    await takeFromOutbox(redis, queue, { taken: wanted.filter(({ id }) => !known.has(id)), unkept })
    metrics.recorded(queue, jobs.length - refused.length)
  }

  /** Which jobs the history keeps: all whose type says nothing else. */
  #choice(): (stored: StoredJob) => boolean {
    const choices = new Map(this.#options.catalog.types.map(({ name, history = 'all' }) => [name, history]))
    return (stored) => {
      const choice = choices.get(stored.fields.name ?? '') ?? 'all'
      return choice === 'all' || (choice === 'failures' && isDeadLetter(statusOf(stored)))
    }
  }

  /** Says once what is the matter. @returns how long to wait, in milliseconds */
  #explain(error: unknown): number {
    const { redis, log } = this.#options
    const trouble = databaseTroubleOf(error)
    // That Redis is away, refuses writes or lets nobody in is told once, by the connection to it.
    if (!trouble && !isRedisTrouble(error) && !denialOf(error, redis)) {
      log.error({ err: error }, `nothing could be recorded; it is tried again: ${(error as Error).message}`)
    }
    if (trouble && trouble !== this.#trouble) {
      const { message } = error as Error
      log.error(`${DATABASE_TROUBLES[trouble]}: what finishes stays in Redis until it can be recorded (${message})`)
    }
    this.#trouble = trouble ?? this.#trouble
    return RETRY_MS
  }
}
