import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { DAY_MS } from '../days.ts'

/**
 * Deletes keys that were revoked or expired longer ago than so many days. The first key that was made of each kind stays: that
 * there was one closes an api that was open to its machine.
 *
 * @param options `now` in ms since 1970; `keepDays` at least 1.
 * @returns how many.
 * @throws RangeError if they should be kept for less than a day.
 */
export async function dropEndedKeys(
  db: Database,
  { now, keepDays }: { now: number; keepDays: number },
): Promise<number> {
  if (!(keepDays >= 1)) throw new RangeError(`expected keys that ended to be kept for at least a day, got ${keepDays}`)
  const before = new Date(now - keepDays * DAY_MS).toISOString()
  return db.transaction().execute(async (tx) => {
    // Processes know them no more: the revision stays. Who changes keys meanwhile is waited for, and waits.
    await sql`select from foliot.access_revision for update`.execute(tx)
    const { rows } = await sql<{ id: string }>`
      select id from foliot.api_keys
      where least(revoked_at, expires_at) < ${before}::timestamptz
        and id not in (select distinct on (bootstrap) id from foliot.api_keys order by bootstrap, created_at, id)`.execute(
      tx,
    )
    const ids = rows.map(({ id }) => id)
    await sql`update foliot.api_keys set replaced_by = null where replaced_by = any (${ids}::uuid[])`.execute(tx)
    await sql`delete from foliot.api_keys where id = any (${ids}::uuid[])`.execute(tx)
    return ids.length
  })
}
