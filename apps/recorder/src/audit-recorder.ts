import { setTimeout as sleep } from 'node:timers/promises'
import { DATABASE_TROUBLES, type Database, type DatabaseTrouble, databaseTroubleOf, recordAudit } from '@foliot/history'
import type { Service } from '@foliot/lifecycle'
import { type AuditPlace, denialOf, isRedisTrouble, readAuditAfter, type StoredAudit, takeAudit } from '@foliot/queue'
import type { Logger } from '@foliot/telemetry'
import type { Redis } from 'ioredis'
import type { Upkeep } from './upkeep.ts'

export interface AuditRecorderOptions {
  /** A connection for loops. */
  redis: Redis
  db: Database
  /** Sees that there is a table to write to. */
  upkeep: Upkeep
  log: Logger
}

/** Between two looks, in milliseconds. */
const LOOK_EVERY_MS = 500
/** After trouble. */
const RETRY_MS = 1000
const BATCH = 500
/** An entry without an outcome waits so long for it; then it goes alone, and the outcome follows if there is ever one. */
const PATIENCE_MS = 5 * 60 * 1000
const COMPLAIN_EVERY_MS = 60_000

/**
 * Takes what the apis wrote of changes by hand into the history, and removes it from Redis then. To do so twice changes
 * nothing, so any number may do it at once, and one that is killed in between does no harm.
 */
export class AuditRecorder implements Service {
  readonly name = 'audit'
  readonly #options: AuditRecorderOptions
  readonly #stopped = new AbortController()
  /** What the history cannot keep: it stays in Redis, and was told of. */
  readonly #refused = new Set<AuditPlace>()
  #running: Promise<void> | undefined
  #trouble: DatabaseTrouble | undefined
  /** What was logged last of other trouble, and when. */
  #complaint = { text: '', at: 0 }

  constructor(options: AuditRecorderOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    this.#running = this.#run()
  }

  /** Resolves when the batch under way is written. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      const pauseMs = await this.#round().catch((error: unknown) => this.#explain(error))
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Takes all that there is, from the oldest to the newest. @returns how long to wait for the next look, in milliseconds */
  async #round(): Promise<number> {
    const { redis, upkeep, log } = this.#options
    let after: AuditPlace | undefined
    while (!this.#stopped.signal.aborted) {
      const { entries, unreadable, last } = await readAuditAfter(redis, after, BATCH)
      if (last === undefined) break
      for (const { place, problem } of unreadable) this.#refuse(place, problem)
      await upkeep.seeTo()
      const [seconds = 0] = await redis.time()
      await this.#take(entries, Number(seconds) * 1000)
      after = last
      if (this.#trouble) log.info('the audit is being recorded again')
      this.#trouble = undefined
    }
    return LOOK_EVERY_MS
  }

  async #take(entries: readonly StoredAudit[], now: number): Promise<void> {
    const { redis, db } = this.#options
    const due = entries.filter(({ place, at, end }) => !this.#refused.has(place) && (end || at < now - PATIENCE_MS))
    const refused = new Map((await recordAudit(db, due)).map(({ id, reason }) => [id, reason]))
    for (const { id, place } of due) if (refused.has(id)) this.#refuse(place, refused.get(id) as string)
    await takeAudit(
      redis,
      due.filter(({ id }) => !refused.has(id)),
    )
  }

  #refuse(place: AuditPlace, reason: string): void {
    if (this.#refused.has(place)) return
    this.#refused.add(place)
    const message = `expected an audit entry that the history can keep, and it refused this one: ${reason}`
    this.#options.log.error({ place }, message)
  }

  /** Says once what is the matter; of Redis, its connection does. @returns how long to wait, in milliseconds */
  #explain(error: unknown): number {
    const { redis, log } = this.#options
    const trouble = databaseTroubleOf(error)
    if (trouble && trouble !== this.#trouble) {
      const { message } = error as Error
      log.error(`the audit stays in Redis until it can be recorded: ${DATABASE_TROUBLES[trouble]} (${message})`)
    }
    this.#trouble = trouble ?? this.#trouble
    if (trouble || isRedisTrouble(error) || denialOf(error, redis)) return RETRY_MS
    const text = `the audit could not be recorded; it is tried again: ${(error as Error).message}`
    if (text !== this.#complaint.text || Date.now() - this.#complaint.at > COMPLAIN_EVERY_MS) {
      this.#complaint = { text, at: Date.now() }
      log.error({ err: error }, text)
    }
    return RETRY_MS
  }
}
