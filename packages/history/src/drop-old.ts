import { type RawBuilder, sql, type Transaction } from 'kysely'
import type { Database } from './database.ts'
import { DAY_MS, dayOf } from './days.ts'
import { deadPartOf, PARTITIONS_LOCK, partitionNow, partitionOf } from './partitions.ts'
import type { Schema } from './schema.ts'

export interface Retention {
  /** ms since 1970 */
  now: number
  /** Days of which all jobs are kept, by when they were made, before today. */
  keepDays: number
  /** The same for dead letters that nobody discarded. At least `keepDays`. */
  keepDeadLettersDays: number
}

export interface Dropped {
  /** Days whose jobs are gone, but for dead letters that are kept: `YYYY-MM-DD`. */
  days: string[]
  /** Jobs that were deleted one by one, because they lay in no partition that could be dropped. */
  jobs: number
}

/** How many jobs one transaction deletes. */
const BATCH = 2_000
/** A table is not waited for longer: all who want it after us would wait as well. */
const LOCK_TIMEOUT = '3s'

type Tx = Transaction<Schema>

/**
 * Drops what is older than it has to be kept. The day of a dead letter shrinks to its dead letters first and is dropped
 * later. Any number of processes may do this at once, and one that was interrupted is made good by the next.
 *
 * @throws RangeError if dead letters should be kept for less time than the rest.
 * @throws what `databaseTroubleOf` calls `busy` if a day is in use for long: the others were dropped, a later call drops it.
 */
export async function dropOld(db: Database, retention: Retention): Promise<Dropped> {
  const { now, keepDays, keepDeadLettersDays } = retention
  if (keepDeadLettersDays < keepDays) {
    throw new RangeError(
      `expected keepDeadLettersDays to be at least keepDays, ${keepDays}, got ${keepDeadLettersDays}`,
    )
  }
  const first = dayOf(now - keepDays * DAY_MS)
  const firstOfDead = dayOf(now - keepDeadLettersDays * DAY_MS)
  const days: string[] = []
  const failures: unknown[] = []
  let jobs = 0
  for (const { day, isShrunk } of await partitionedDays(db)) {
    try {
      if (day < firstOfDead) {
        if (await dropDay(db, day)) days.push(day)
      } else if (day < first && isShrunk) {
        jobs += await deleteInBatches(db, deadPartOf(partitionOf('jobs', day)), IS_LIVING)
      } else if (day < first && (await shrinkDay(db, day))) {
        days.push(day)
      }
    } catch (error) {
      failures.push(error)
    }
  }
  jobs += await deleteInBatches(
    db,
    'jobs_default',
    sql`day < ${firstOfDead}::date or (day < ${first}::date and ${IS_LIVING})`,
  )
  if (failures.length > 0) throw failures[0]
  return { days, jobs }
}

/** How many jobs `dropOld` would delete. Reads them all. */
export async function countOld(db: Database, { now, keepDays, keepDeadLettersDays }: Retention): Promise<number> {
  const [first, firstOfDead] = [keepDays, keepDeadLettersDays].map((days) => dayOf(now - days * DAY_MS))
  const { rows } = await sql<{ jobs: number }>`
    select count(*) as jobs from foliot.jobs
    where day < ${firstOfDead}::date or (day < ${first}::date and ${IS_LIVING})`.execute(db)
  return rows[0]?.jobs ?? 0
}

/** Everything but a dead letter. */
const IS_LIVING = sql`not (status in ('failed', 'timed_out') and discarded_at is null)`

interface PartitionedDay {
  day: string
  /** Whether only its dead letters are left. */
  isShrunk: boolean
}

async function partitionedDays(db: Database): Promise<PartitionedDay[]> {
  const { rows } = await sql<{ name: string }>`
    select relname::text as name from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = 'foliot.jobs'::regclass order by relname`.execute(db)
  return rows.flatMap(({ name }) => {
    const [, year, month, date, dead] = /^jobs_(\d{4})(\d\d)(\d\d)(_dead)?$/.exec(name) ?? []
    return year === undefined ? [] : [{ day: `${year}-${month}-${date}`, isShrunk: dead !== undefined }]
  })
}

/** A transaction in which nobody else makes or drops partitions. */
async function alone<T>(db: Database, change: (tx: Tx) => Promise<T>): Promise<T> {
  return db.transaction().execute(async (tx) => {
    await sql`select set_config('lock_timeout', ${LOCK_TIMEOUT}, true)`.execute(tx)
    await sql`select pg_advisory_xact_lock(${PARTITIONS_LOCK})`.execute(tx)
    return change(tx)
  })
}

async function dropDay(db: Database, day: string): Promise<boolean> {
  return alone(db, async (tx) => {
    const names = [await partitionNow(tx, 'jobs', day), await partitionNow(tx, 'attempts', day)]
    for (const name of names) if (name) await sql`drop table ${sql.id('foliot', name)}`.execute(tx)
    return names[0] !== undefined
  })
}

/** Puts a smaller partition in the place of a day's, with its dead letters alone; drops the day if there are none. */
async function shrinkDay(db: Database, day: string): Promise<boolean> {
  return alone(db, async (tx) => {
    const old = sql.id('foliot', partitionOf('jobs', day))
    if ((await partitionNow(tx, 'jobs', day)) !== partitionOf('jobs', day)) return false
    // Readers go on until the partitions change places; who writes to so old a day waits.
    await sql`lock table ${old} in share row exclusive mode`.execute(tx)
    const { rows } = await sql<{ any: boolean }>`
      select exists (select from ${old} where not ${IS_LIVING}) as any`.execute(tx)
    if (rows[0]?.any) {
      await copyPart(tx, 'jobs', day, sql`not ${IS_LIVING}`)
      const kept = sql.id('foliot', deadPartOf(partitionOf('jobs', day)))
      await copyPart(tx, 'attempts', day, sql`job_id in (select id from ${kept})`)
    }
    for (const table of ['jobs', 'attempts']) await changePlaces(tx, table, day, rows[0]?.any === true)
    return true
  })
}

async function copyPart(tx: Tx, table: string, day: string, condition: RawBuilder<unknown>): Promise<void> {
  const name = partitionOf(table, day)
  const part = sql.id('foliot', deadPartOf(name))
  // With the indexes and the bounds that the partition needs, so that it is attached at once.
  await sql`create table ${part} (like ${sql.id('foliot', name)} including all)`.execute(tx)
  await sql`
    alter table ${part} add constraint of_its_day check (day = ${sql.lit(day)}::date)`.execute(tx)
  await sql`insert into ${part} select * from ${sql.id('foliot', name)} where ${condition}`.execute(tx)
}

async function changePlaces(tx: Tx, table: string, day: string, hasPart: boolean): Promise<void> {
  const name = partitionOf(table, day)
  const [parent, old, part] = [table, name, deadPartOf(name)].map((of) => sql.id('foliot', of))
  await sql`alter table ${parent} detach partition ${old}`.execute(tx)
  await sql`drop table ${old}`.execute(tx)
  if (!hasPart) return
  const next = dayOf(Date.parse(day) + DAY_MS)
  await sql`
    alter table ${parent} attach partition ${part} for values from (${sql.lit(day)}) to (${sql.lit(next)})`.execute(tx)
}

/** Deletes jobs of one partition together with their attempts. */
async function deleteInBatches(db: Database, partition: string, condition: RawBuilder<unknown>): Promise<number> {
  let deleted = 0
  for (;;) {
    const count = await db.transaction().execute(async (tx) => {
      const { rows } = await sql<{ id: string; day: string }>`
        delete from ${sql.id('foliot', partition)} where ctid = any (array(
          select ctid from ${sql.id('foliot', partition)} where ${condition} limit ${BATCH}
        )) returning id, day`.execute(tx)
      if (rows.length === 0) return 0
      const days = [...new Set(rows.map(({ day }) => day))]
      await sql`
        delete from foliot.attempts
        where job_id = any (${rows.map(({ id }) => id)}::uuid[]) and day = any (${days}::date[])`.execute(tx)
      return rows.length
    })
    deleted += count
    if (count < BATCH) return deleted
  }
}
