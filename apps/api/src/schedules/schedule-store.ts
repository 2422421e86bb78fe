import * as history from '@foliot/history'
import {
  FoliotError,
  type Schedule,
  type ScheduleChange,
  type StoredCalendar,
  scheduleKey,
  type UnfiredTick,
} from '@foliot/jobs'
import { parseProjected, projectSchedules, readCalendars, readProjected } from '@foliot/queue'
import { Calendar } from '@foliot/schedules'
import type { Logger } from '@foliot/telemetry'
import type { Redis } from 'ioredis'

const RETRY_AFTER_S = 5

export interface ScheduleStoreOptions {
  /** Undefined where there is no PostgreSQL: then there are no schedules. */
  db: history.Database | undefined
  redis: Redis
  log: Pick<Logger, 'warn'>
}

/** What of a schedule or calendar one change has left; undefined for what was not there, or is no more. */
export interface Changed<T> {
  before: T | undefined
  after: T | undefined
}

type Make<T> = (before: T | undefined, revision: number) => T | undefined
/** Told what is about to be deleted. It may throw. */
type Check<T> = (before: T) => void

/**
 * Schedules and calendars as the routes change them. A change is in PostgreSQL, and then in Redis, where schedulers see it, when
 * it is answered. While PostgreSQL is away each call is refused as `unavailable`, but for reading one schedule as Redis has it.
 */
export class ScheduleStore {
  readonly #db: history.Database | undefined
  readonly #redis: Redis
  readonly #log: Pick<Logger, 'warn'>

  constructor({ db, redis, log }: ScheduleStoreOptions) {
    this.#db = db
    this.#redis = redis
    this.#log = log
  }

  /** While PostgreSQL is away as Redis has it, which is as it fires. */
  read(ref: history.ScheduleRef): Promise<Schedule | undefined> {
    return this.#ask((db) => history.readSchedule(db, ref)).catch((error) => this.#readProjected(ref, error))
  }

  list(filter: history.ScheduleFilter, limit: number, after?: history.ScheduleRef) {
    return this.#ask((db) => history.listSchedules(db, filter, limit, after))
  }

  /** @param make as that of `putSchedule` */
  async put(ref: history.ScheduleRef, make: Make<Schedule>): Promise<Changed<Schedule>> {
    const { before, after, change } = await this.#ask((db) => history.putSchedule(db, ref, make))
    if (change) await this.#project([change])
    return { before, after }
  }

  /** Undefined if there is none. */
  async delete(ref: history.ScheduleRef, check: Check<Schedule>): Promise<Schedule | undefined> {
    const { before, change } = await this.#ask((db) => history.deleteSchedule(db, ref, check))
    if (change) await this.#project([change])
    return before
  }

  /**
   * Changes all that fit, part by part: what was changed of one, those that are other than before, comes when it is done. If
   * one fails, those before it are changed.
   *
   * @param make as that of `changeSchedules`
   */
  async *changeAll(
    filter: history.ScheduleFilter,
    make: (before: Schedule, revision: number) => Schedule | undefined,
  ): AsyncGenerator<Schedule[], void> {
    let after: history.ScheduleRef | undefined
    do {
      const { changed, changes, last } = await this.#ask((db) => history.changeSchedules(db, filter, make, after))
      if (changes.length > 0) await this.#project(changes)
      yield changed
      after = last
    } while (after)
  }

  /** Those of a tenant that there are of these, by name, to be asked. */
  async calendars(tenant: string, names: readonly string[]): Promise<Map<string, Calendar>> {
    const found = await this.storedCalendars(tenant, names)
    return new Map(found.map((calendar) => [calendar.name, new Calendar(calendar)]))
  }

  /** The same as they are stored; while PostgreSQL is away as Redis has them. */
  async storedCalendars(tenant: string, names: readonly string[]): Promise<StoredCalendar[]> {
    if (names.length === 0) return []
    const unique = [...new Set(names)]
    return this.#ask((db) => history.readCalendars(db, tenant, unique)).catch((error) =>
      this.#projectedCalendars(tenant, unique, error),
    )
  }

  readCalendar(ref: history.CalendarRef): Promise<StoredCalendar | undefined> {
    return this.#ask((db) => history.readCalendar(db, ref))
  }

  listCalendars(tenant: string | undefined, limit: number, after?: history.CalendarRef) {
    return this.#ask((db) => history.listCalendars(db, tenant, limit, after))
  }

  async putCalendar(ref: history.CalendarRef, make: Make<StoredCalendar>): Promise<Changed<StoredCalendar>> {
    const { before, after, change } = await this.#ask((db) => history.putCalendar(db, ref, make))
    if (change) await this.#project([change])
    return { before, after }
  }

  /** Undefined if there is none. @throws FoliotError `conflict` if a schedule uses it */
  async deleteCalendar(ref: history.CalendarRef, check: Check<StoredCalendar>): Promise<StoredCalendar | undefined> {
    const { before, change } = await this.#ask((db) => history.deleteCalendar(db, ref, check))
    if (change) await this.#project([change])
    return before
  }

  /** Ticks without a job, the newest first, as far as they were recorded. */
  ticks(search: history.TickSearch, limit: number): Promise<UnfiredTick[]> {
    return this.#ask((db) => history.searchTicks(db, search, limit))
  }

  /** @throws `refusal` unless it is that PostgreSQL is away, and Redis knows of the schedule */
  async #readProjected(ref: history.ScheduleRef, refusal: unknown): Promise<Schedule | undefined> {
    if (!this.#isAway(refusal)) throw refusal
    const key = scheduleKey(ref)
    const [text] = await readProjected(this.#redis, [key])
    if (text === undefined) throw refusal
    return parseProjected(key, text).current
  }

  /** @throws `refusal` unless it is that PostgreSQL is away, and Redis has all of them */
  async #projectedCalendars(tenant: string, names: readonly string[], refusal: unknown): Promise<StoredCalendar[]> {
    if (!this.#isAway(refusal)) throw refusal
    const stored = await readCalendars(this.#redis)
    const found = names.flatMap((id) => stored.get(scheduleKey({ tenant, id })) ?? [])
    if (found.length < names.length) throw refusal
    return found
  }

  #isAway(refusal: unknown): boolean {
    return this.#db !== undefined && refusal instanceof FoliotError && refusal.code === 'unavailable'
  }

  /** It is changed by now: should Redis be away, the scheduler that looks after what Redis has will write it there. */
  async #project(changes: readonly ScheduleChange[]): Promise<void> {
    try {
      await projectSchedules(this.#redis, changes)
    } catch (err) {
      this.#log.warn(
        { err, changes: changes.length },
        'schedules were changed, and Redis was not told: a scheduler will',
      )
    }
  }

  async #ask<T>(question: (db: history.Database) => Promise<T>): Promise<T> {
    if (!this.#db) {
      throw new FoliotError('unavailable', 'expected a PostgreSQL, which keeps schedules; this api has none', {
        hint: 'set FOLIOT_DATABASE_URL, and start a recorder, which makes the tables',
      })
    }
    try {
      return await question(this.#db)
    } catch (error) {
      const reason = reasonOf(error)
      if (reason === undefined) throw error
      throw new FoliotError('unavailable', `schedules and calendars cannot be read or changed: ${reason}`, {
        retryAfterSeconds: RETRY_AFTER_S,
        hint: 'those that there are go on firing meanwhile; a change may have been made: read it before you repeat it',
        cause: error,
      })
    }
  }
}

function reasonOf(error: unknown): string | undefined {
  if (history.isUnmigrated(error))
    return 'the tables of this version are not there yet: a recorder of it makes them when it starts'
  const trouble = history.databaseTroubleOf(error)
  return trouble && history.DATABASE_TROUBLES[trouble]
}
