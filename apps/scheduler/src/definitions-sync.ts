import { setTimeout as sleep } from 'node:timers/promises'
import {
  DATABASE_TROUBLES,
  type Database,
  type DatabaseTrouble,
  databaseTroubleOf,
  isMissingTable,
  readScheduleChanges,
  readSchedulesRevision,
} from '@foliot/history'
import type { ScheduleChange } from '@foliot/jobs'
import type { Service } from '@foliot/lifecycle'
import {
  denialOf,
  isRedisTrouble,
  projectedSchedulesRevision,
  projectSchedules,
  sayProjected,
  schedulesEpoch,
} from '@foliot/queue'
import { Complaints } from '@foliot/telemetry'
import type { Redis } from 'ioredis'

/** What this needs of a logger; pino's fits. */
export interface SyncLog {
  info(message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(message: string): void
  error(fields: object, message: string): void
}

export interface DefinitionsSyncOptions {
  redis: Redis
  db: Database
  log: SyncLog
  /** Whether it is this scheduler that does it now, of several. Two who do it at once do no harm. */
  isMine: () => boolean
}

/** Between two looks, in milliseconds. */
const LOOK_EVERY_MS = 1000
/** How many definitions are read at a time. */
const PAGE = 1000

/**
 * Keeps the definitions in Redis, by which schedules fire, in step with PostgreSQL, which has the truth: what somebody changed
 * and could not write to Redis himself, and everything after Redis was flushed.
 */
export class DefinitionsSync implements Service {
  readonly name = 'definitions'
  readonly #options: DefinitionsSyncOptions
  readonly #stopped = new AbortController()
  #trouble: DatabaseTrouble | undefined
  /** Whether it was told that Redis is ahead. */
  #saidAhead = false
  readonly #complaints: Complaints

  constructor(options: DefinitionsSyncOptions) {
    this.#options = options
    this.#complaints = new Complaints(options.log)
  }

  /** Why edits wait, for people. Undefined if nothing is the matter. */
  get trouble(): string | undefined {
    return this.#trouble && DATABASE_TROUBLES[this.#trouble]
  }

  async start(): Promise<void> {
    void this.#run()
  }

  /** Waits for nobody: PostgreSQL may hang, and whoever is next begins with what is not said to be done. */
  async stop(): Promise<void> {
    this.#stopped.abort()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      if (this.#options.isMine()) await this.#look().catch((error: unknown) => this.#explain(error))
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  async #look(): Promise<void> {
    const { redis, db } = this.#options
    // In this order: what Redis has is never later than what PostgreSQL has afterwards.
    const projected = await projectedSchedulesRevision(redis)
    const revision = await readSchedulesRevision(db)
    this.#recover()
    if (projected !== undefined && projected > revision) return this.#sayAhead(projected, revision)
    this.#saidAhead = false
    if (projected === revision) return
    // What Redis has is lost if it is flushed meanwhile: then all of it is written anew.
    let isDone = await this.#project(projected ?? 0, revision)
    while (!isDone && this.#isMine) isDone = await this.#project(0, revision)
  }

  /**
   * Writes all that was changed after one revision.
   *
   * @param least up to which revision there was something when it was asked
   * @returns whether Redis has all of it. Only then it is said to have.
   */
  async #project(after: number, least: number): Promise<boolean> {
    const { redis, db, log } = this.#options
    const began = performance.now()
    let epoch = await schedulesEpoch(redis)
    let revision = after
    let definitions = 0
    let writing: Promise<number> | undefined
    let reading: Promise<ScheduleChange[]> | undefined = readScheduleChanges(db, after, PAGE)
    while (reading) {
      const page: ScheduleChange[] = await reading
      if (!this.#isMine) return false
      revision = page.at(-1)?.revision ?? revision
      // The next page is read while this one is written, and this one sent while the one before is carried out.
      reading = page.length < PAGE ? undefined : readScheduleChanges(db, revision, PAGE)
      const before = writing
      writing = projectSchedules(redis, page)
      // They are waited for further on, where their failure is told.
      for (const underWay of [reading, writing]) underWay?.catch(() => undefined)
      epoch ??= await schedulesEpoch(redis)
      definitions += (await before) ?? 0
    }
    definitions += (await writing) ?? 0
    const isSame = async (): Promise<boolean> => (await schedulesEpoch(redis)) === epoch
    if (!(await isSame())) return false
    await sayProjected(redis, Math.max(revision, least))
    // Without any definition there was no epoch before.
    if (epoch !== undefined && !(await isSame())) return false
    const ms = Math.round(performance.now() - began)
    if (definitions > 0) log.info({ definitions, ms }, 'definitions of schedules were taken over from PostgreSQL')
    return true
  }

  get #isMine(): boolean {
    return !this.#stopped.signal.aborted && this.#options.isMine()
  }

  #sayAhead(projected: number, revision: number): void {
    if (this.#saidAhead) return
    this.#saidAhead = true
    this.#options.log.warn(
      { projected, revision },
      'expected PostgreSQL to have all definitions of schedules that Redis has, and it has older ones: what was changed ' +
        'since goes on as Redis has it. If PostgreSQL was restored from a backup, put or delete those schedules again',
    )
  }

  #recover(): void {
    if (this.#trouble) this.#options.log.info('PostgreSQL is back: edits of schedules take effect again')
    this.#trouble = undefined
  }

  /** Says once what is the matter; of Redis, its connection does. */
  #explain(error: unknown): void {
    const { redis, log } = this.#options
    if (this.#stopped.signal.aborted) return
    if (isMissingTable(error)) {
      // A recorder makes them. Until then there are no schedules.
      this.#recover()
      return
    }
    const trouble = databaseTroubleOf(error)
    if (trouble && trouble !== this.#trouble) {
      const { message } = error as Error
      log.error(`${DATABASE_TROUBLES[trouble]}: schedules that are known go on firing; edits wait (${message})`)
    }
    this.#trouble = trouble ?? this.#trouble
    if (trouble || isRedisTrouble(error) || denialOf(error, redis)) return
    this.#complaints.tell(error, 'definitions of schedules could not be taken over')
  }
}
