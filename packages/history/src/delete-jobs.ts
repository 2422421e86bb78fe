import { type Kysely, sql } from 'kysely'
import type { Database } from './database.ts'
import type { Schema } from './schema.ts'

/** How long a batch that holds a deleted job may still be on its way, in milliseconds, and far beyond that. */
const REMEMBERED_MS = 24 * 60 * 60 * 1000

/** How many jobs one transaction deletes. */
const BATCH = 500

/** How far the clocks of those who end jobs may be from PostgreSQL's. */
const CLOCKS_APART = '1 minute'

/**
 * Notes that these jobs get deleted: what is recorded of them until then, the next `deleteAgain` deletes. To be called before
 * they are removed from Redis, so that a PostgreSQL that takes no writes refuses while nothing is lost.
 */
export async function announceDeletion(db: Database, ids: readonly string[]): Promise<void> {
  // In one order, so that two who delete the same wait for each other instead of for ever.
  await sql`
    insert into foliot.deletions (job_id) select unnest(${ids.toSorted()}::uuid[])
    on conflict (job_id) do update set at = now()`.execute(db)
}

/** Takes the announcement back, of jobs that stay: what is recorded of them later is theirs to keep. */
export async function withdrawDeletion(db: Database, ids: readonly string[]): Promise<void> {
  await sql`delete from foliot.deletions where job_id = any (${ids}::uuid[])`.execute(db)
}

/**
 * Deletes jobs and their attempts. What Redis still holds of one would be recorded anew: it has to be removed there first. One
 * that is being recorded at this moment is deleted by the next `deleteAgain`, as its deletion was announced.
 *
 * @returns how many there were.
 */
export async function deleteJobs(db: Database, ids: readonly string[]): Promise<number> {
  let deleted = 0
  for (let from = 0; from < ids.length; from += BATCH) {
    const batch = ids.slice(from, from + BATCH)
    deleted += await db.transaction().execute((tx) => deleteRows(tx, batch))
  }
  return deleted
}

/**
 * Deletes once more what was recorded while it was being deleted, and forgets deletions of the day before. A job that ended
 * later was still open then: its deletion was announced and came to nothing.
 */
export async function deleteAgain(db: Database, now: number): Promise<number> {
  const before = new Date(now - REMEMBERED_MS).toISOString()
  await sql`delete from foliot.deletions where at < ${before}::timestamptz`.execute(db)
  const { rows } = await sql<{ id: string }>`
    select jobs.id from foliot.deletions join foliot.jobs on jobs.id = deletions.job_id
    where jobs.finished_at < deletions.at + ${CLOCKS_APART}::interval order by jobs.id`.execute(db)
  return db.transaction().execute((tx) =>
    deleteRows(
      tx,
      rows.map(({ id }) => id),
    ),
  )
}

async function deleteRows(db: Kysely<Schema>, ids: readonly string[]): Promise<number> {
  if (ids.length === 0) return 0
  const { rows } = await sql<{ day: string }>`
    delete from foliot.jobs where id = any (${ids}::uuid[]) returning day`.execute(db)
  const days = [...new Set(rows.map(({ day }) => day))]
  await sql`
    delete from foliot.attempts where job_id = any (${ids}::uuid[]) and day = any (${days}::date[])`.execute(db)
  return rows.length
}
