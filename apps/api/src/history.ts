import {
  announceDeletion,
  DATABASE_TROUBLES,
  type Database,
  databaseTroubleOf,
  deleteJobs,
  groupErrors,
  type HistoryErrorGroups,
  type HistoryFilter,
  hasQueue,
  isUnmigrated,
  readBriefs,
  readJob,
  readLog,
  searchAudit,
  searchJobs,
  withdrawDeletion,
} from '@foliot/history'
import { type AuditEntry, type AuditFilter, FoliotError, isJobId, type Job } from '@foliot/jobs'
import type { JobBrief, Position } from '@foliot/queue'
import type { Logger } from '@foliot/telemetry'
import { jobOfDocument } from './job-answers.ts'

export interface FoundJobs {
  /** Newest first. */
  jobs: Job[]
  /** Where the last of them stands, if there are more behind it. */
  next: Position | undefined
}

const RETRY_AFTER_S = 5

/** The history as the api asks it. While PostgreSQL is away each question is refused as `unavailable`, with the reason. */
export class History {
  readonly #db: Database
  readonly #log: Logger
  /** Why it cannot be read, or changed. */
  readonly #troubles = new Map<'read' | 'changed', string>()

  constructor(db: Database, log: Logger) {
    this.#db = db
    this.#log = log
  }

  /** Undefined if the history has no such job. @throws FoliotError `unavailable` */
  async read(id: string): Promise<Job | undefined> {
    // PostgreSQL would take other spellings of an id for the same, and no text that is none.
    if (!isJobId(id)) return undefined
    const document = await this.#ask((db) => readJob(db, id))
    return document === undefined ? undefined : jobOfDocument(document)
  }

  /** The lines of its log, oldest first; undefined if the history has no such job. @throws FoliotError `unavailable` */
  async readLog(id: string): Promise<string[] | undefined> {
    return isJobId(id) ? this.#ask((db) => readLog(db, id)) : undefined
  }

  /** One page, by when the jobs were made. @throws FoliotError `unavailable` */
  async search(filter: HistoryFilter, limit: number, after?: Position): Promise<FoundJobs> {
    const from = after && { createdAt: after.at, id: after.id }
    const { jobs, more } = await this.#ask((db) => searchJobs(db, filter, limit, from))
    const last = jobs.at(-1)
    return {
      jobs: jobs.map(({ document }) => jobOfDocument(document)),
      next: more && last ? { at: last.createdAt, id: last.id } : undefined,
    }
  }

  /** What jobs are that it has, by id. */
  async briefs(ids: readonly string[]): Promise<Map<string, JobBrief>> {
    const briefs = await this.#ask((db) => readBriefs(db, ids.filter(isJobId)))
    return new Map(briefs.map(({ id, ...brief }) => [id, brief]))
  }

  /**
   * Has to come before jobs are deleted from Redis: what cannot be deleted here is deleted nowhere.
   *
   * @throws FoliotError `unavailable`
   */
  async announceDeletion(ids: readonly string[]): Promise<void> {
    await this.#ask((db) => announceDeletion(db, ids.filter(isJobId)), 'changed')
  }

  /** Of jobs that stay after all. @throws FoliotError `unavailable` */
  async withdrawDeletion(ids: readonly string[]): Promise<void> {
    await this.#ask((db) => withdrawDeletion(db, ids.filter(isJobId)), 'changed')
  }

  /** Deletes jobs that are in Redis no more. @throws FoliotError `unavailable` */
  async delete(ids: readonly string[]): Promise<void> {
    await this.#ask((db) => deleteJobs(db, ids.filter(isJobId)), 'changed')
  }

  /** Whether it has a job of this queue. @throws FoliotError `unavailable` */
  hasQueue(queue: string): Promise<boolean> {
    return this.#ask((db) => hasQueue(db, queue))
  }

  /** The largest first. @throws FoliotError `unavailable` */
  groupErrors(filter: HistoryFilter, limit: number): Promise<HistoryErrorGroups> {
    return this.#ask((db) => groupErrors(db, filter, limit))
  }

  /** Who changed what, the newest first. @throws FoliotError `unavailable` */
  searchAudit(filter: AuditFilter, limit: number, after?: Position): Promise<AuditEntry[]> {
    const from = after && { createdAt: after.at, id: after.id }
    return this.#ask((db) => searchAudit(db, filter, limit, from))
  }

  async #ask<T>(question: (db: Database) => Promise<T>, what: 'read' | 'changed' = 'read'): Promise<T> {
    try {
      const answer = await question(this.#db)
      if (this.#troubles.delete(what)) this.#log.info(`the history can be ${what} again`)
      return answer
    } catch (error) {
      throw this.#refuse(error, what)
    }
  }

  /** Logs what is the matter once. */
  #refuse(error: unknown, what: 'read' | 'changed'): unknown {
    const trouble = databaseTroubleOf(error)
    if (!trouble && !isUnmigrated(error)) return error
    const reason = trouble
      ? DATABASE_TROUBLES[trouble]
      : 'the tables of this version are not there yet: a recorder of it makes them when it starts'
    if (reason !== this.#troubles.get(what))
      this.#log.error(`the history cannot be ${what}: ${reason} (${(error as Error).message})`)
    this.#troubles.set(what, reason)
    return new FoliotError('unavailable', `the history cannot be ${what}: ${reason}`, {
      retryAfterSeconds: RETRY_AFTER_S,
      hint: 'jobs that wait or run, and dead letters of the last days, can be read and moved meanwhile',
      cause: error,
    })
  }
}
