import { type RawBuilder, sql } from 'kysely'
import type { Database } from './database.ts'
import { allow } from './planner.ts'
import { tag } from './tags.ts'

/** How many jobs one transaction deletes. */
const BATCH = 500

/**
 * Deletes a job and its attempts. What Redis still holds of it would be recorded anew: it has to be removed there first.
 *
 * @returns whether there was one.
 */
export async function deleteJob(db: Database, id: string): Promise<boolean> {
  return (await deleteBatch(db, sql`id = ${id}::uuid`)) > 0
}

/** Deletes all jobs that bear the label, some hundred at a time, and gives how many there were. See `deleteJob`. */
export async function deleteByLabel(db: Database, key: string, value: string): Promise<number> {
  let deleted = 0
  for (;;) {
    const count = await deleteBatch(db, sql`tags @> ${[tag.label(key, value)]}::text[]`)
    deleted += count
    if (count < BATCH) return deleted
  }
}

async function deleteBatch(db: Database, condition: RawBuilder<unknown>): Promise<number> {
  return db.transaction().execute(async (tx) => {
    await allow(tx, 'index')
    // In one order, so that two who delete the same wait for each other instead of for ever.
    const { rows } = await sql<{ id: string; day: string }>`
      with doomed as materialized (select id, day from foliot.jobs where ${condition} limit ${BATCH})
      select id, day from doomed order by id`.execute(tx)
    if (rows.length === 0) return 0
    const ids = rows.map(({ id }) => id)
    const days = [...new Set(rows.map(({ day }) => day))]
    await sql`
      delete from foliot.attempts where job_id = any (${ids}::uuid[]) and day = any (${days}::date[])`.execute(tx)
    await sql`delete from foliot.jobs where id = any (${ids}::uuid[]) and day = any (${days}::date[])`.execute(tx)
    return ids.length
  })
}
