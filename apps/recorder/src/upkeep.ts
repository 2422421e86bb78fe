import {
  type Database,
  deleteAgain,
  dropDeletedSchedules,
  dropEndedKeys,
  dropOld,
  dropOldAudit,
  dropOldTicks,
  keepPartitions,
  migrate,
  type Retention,
} from '@foliot/history'
import type { Logger } from '@foliot/telemetry'

export interface UpkeepOptions {
  db: Database
  retention: Omit<Retention, 'now'>
  /** For how many days the audit is kept, and keys after they ended, and the ids of schedules that were deleted. */
  keepAuditDays: number
  log: Logger
}

const EVERY_MS = 10 * 60 * 1000

/** Makes the tables of the history and the partitions of the days to come, and drops what is too old. */
export class Upkeep {
  readonly #options: UpkeepOptions
  #isMigrated = false
  #making: Promise<void> | undefined
  #tidiedAt = 0
  #tidying: Promise<void> | undefined

  constructor(options: UpkeepOptions) {
    this.#options = options
  }

  /**
   * Resolves when there are tables to write to; what else is due goes on meanwhile. Any number of processes may do so at once.
   *
   * @throws what the database throws
   */
  async seeTo(): Promise<void> {
    const { log } = this.#options
    if (!this.#isMigrated) {
      this.#making ??= this.#make().finally(() => {
        this.#making = undefined
      })
      await this.#making
    }
    if (Date.now() - this.#tidiedAt < EVERY_MS) return
    this.#tidiedAt = Date.now()
    // Without it, what is recorded goes to a partition for the rest, and what is too old stays for another while.
    this.#tidying = this.#tidy().catch((err: Error) =>
      log.warn(
        { err },
        `the history could not be tidied; it is tried again in ${EVERY_MS / 60_000} min: ${err.message}`,
      ),
    )
  }

  async #make(): Promise<void> {
    const { db, log } = this.#options
    const made = await migrate(db)
    if (made.length > 0) log.info({ migrations: made }, 'the tables of the history are up to date')
    // Later ones are made days ahead, so that none has to take over jobs while somebody reads them.
    await keepPartitions(db, Date.now())
    this.#isMigrated = true
  }

  /** Resolves when nothing is under way. */
  async stop(): Promise<void> {
    await this.#tidying
  }

  async #tidy(): Promise<void> {
    const { db, retention, keepAuditDays, log } = this.#options
    const now = Date.now()
    await keepPartitions(db, now)
    const again = await deleteAgain(db, now)
    if (again > 0) log.info({ jobs: again }, 'jobs that were recorded while they were deleted are deleted again')
    const entries = await dropOldAudit(db, { now, keepDays: keepAuditDays })
    if (entries > 0) log.info({ entries }, 'audit entries that were past their time are dropped')
    const ended = await dropEndedKeys(db, { now, keepDays: keepAuditDays })
    if (ended > 0) log.info({ keys: ended }, 'keys that ended long ago are dropped')
    const deleted = await dropDeletedSchedules(db, { now, keepDays: keepAuditDays })
    if (deleted > 0) log.info({ deleted }, 'schedules and calendars that were deleted long ago are forgotten')
    const ticks = await dropOldTicks(db, { now, keepDays: retention.keepDays })
    if (ticks > 0) log.info({ ticks }, 'ticks without a job that were past their time are dropped')
    const dropped = await dropOld(db, { now, ...retention })
    if (dropped.days.length + dropped.jobs > 0) log.info({ dropped }, 'history that was past its time is dropped')
  }
}
