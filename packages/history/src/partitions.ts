import { sql } from 'kysely'
import type { Database } from './database.ts'
import { DAY_MS, dayOf } from './days.ts'

export interface PartitionOptions {
  /** How many days after today have to be there. Default 3. */
  daysAhead?: number
}

/** Tables that have a partition for each day. */
const PARTITIONED = ['jobs', 'attempts'] as const

/** Whoever makes or drops a partition holds this advisory lock. Any number does that nothing else uses. */
export const PARTITIONS_LOCK = 4_072_026_041

/**
 * Sees that there are partitions for yesterday, today and the days ahead; any number of processes may do so at once. Jobs
 * that were recorded before their day had one are moved into it. To be called at the start and every few hours.
 *
 * @param now ms since 1970
 * @returns the names of those that this call made.
 */
export async function keepPartitions(db: Database, now: number, options: PartitionOptions = {}): Promise<string[]> {
  const daysAhead = options.daysAhead ?? 3
  const made: string[] = []
  for (let i = -1; i <= daysAhead; i++) {
    const day = dayOf(now + i * DAY_MS)
    const next = dayOf(now + (i + 1) * DAY_MS)
    for (const table of PARTITIONED) if (await makePartition(db, table, day, next)) made.push(partitionOf(table, day))
  }
  await sortIn(db)
  return made
}

/**
 * Sorts into the indexes what waits in their lists. The vacuum would do so too, but not for a day that it thinks is done
 * with; each list that is left costs every search some ms.
 */
async function sortIn(db: Database): Promise<void> {
  const { rows } = await sql<{ name: string }>`
    select indexrelid::regclass::text as name
    from pg_index join pg_class on pg_class.oid = indexrelid join pg_am on pg_am.oid = relam
    where relnamespace = 'foliot'::regnamespace and relkind = 'i' and amname = 'gin'`.execute(db)
  for (const { name } of rows) {
    // It may have been dropped by now.
    await sql`select gin_clean_pending_list(index) from to_regclass(${name}) as index where index is not null`.execute(
      db,
    )
  }
}

/** `jobs_20260301` for 2026-03-01. */
export const partitionOf = (table: string, day: string): string => `${table}_${day.replaceAll('-', '')}`

async function makePartition(db: Database, table: string, day: string, next: string): Promise<boolean> {
  if (await isThere(db, table, day)) return false
  return db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(${PARTITIONS_LOCK})`.execute(tx)
    if (await isThere(tx, table, day)) return false
    const [parent, partition, rest] = [table, partitionOf(table, day), `${table}_default`].map((of) =>
      sql.id('foliot', of),
    )
    // Most jobs are a little larger than what PostgreSQL would leave as it is: to compress them takes longer than to
    // write them. Nor is a search by time to fetch anything from elsewhere.
    await sql`
      create table ${partition} (like ${parent} including defaults including constraints including storage)
      with (toast_tuple_target = 8160)`.execute(tx)
    // Attaching asks for this lock in any case. Without it a job of that day could come to lie there anew.
    await sql`lock table ${rest} in access exclusive mode`.execute(tx)
    await sql`
      with moved as (delete from ${rest} where day = ${day}::date returning *)
      insert into ${partition} select * from moved`.execute(tx)
    await sql`
      alter table ${parent} attach partition ${partition} for values from (${sql.lit(day)}) to (${sql.lit(next)})`.execute(
      tx,
    )
    return true
  })
}

async function isThere(db: Database, table: string, day: string): Promise<boolean> {
  return (await partitionNow(db, table, day)) !== undefined
}

/** The partition of a day, under the name that it has now. */
export async function partitionNow(db: Database, table: string, day: string): Promise<string | undefined> {
  const whole = partitionOf(table, day)
  // Read from the catalog, since to_regclass() may answer from before the lock was waited for.
  const { rows } = await sql<{ name: string }>`
    select relname::text as name from pg_class
    where relnamespace = 'foliot'::regnamespace and relname = any (${[whole, deadPartOf(whole)]}::name[])`.execute(db)
  return rows[0]?.name
}

/** What the partition is called once only its dead letters are left. */
export const deadPartOf = (partition: string): string => `${partition}_dead`
