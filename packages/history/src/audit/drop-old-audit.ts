import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { DAY_MS } from '../days.ts'

/** How many entries one transaction deletes. */
const BATCH = 2_000

/**
 * Deletes audit entries that are older than so many days. Nothing else can: the table refuses it.
 *
 * @param options `now` in ms since 1970; `keepDays` at least 1.
 * @returns how many.
 * @throws RangeError if they should be kept for less than a day.
 */
export async function dropOldAudit(
  db: Database,
  { now, keepDays }: { now: number; keepDays: number },
): Promise<number> {
  if (!(keepDays >= 1)) throw new RangeError(`expected audit entries to be kept for at least a day, got ${keepDays}`)
  const before = new Date(now - keepDays * DAY_MS).toISOString()
  let deleted = 0
  for (;;) {
    const count = await db.transaction().execute(async (tx) => {
      // For this transaction alone. What the table lets go is what is older than that.
      await sql`select set_config('foliot.audit_dropped_before', ${before}, true)`.execute(tx)
      const { numAffectedRows = 0n } = await sql`
        delete from foliot.audit where id = any (array(
          select id from foliot.audit where at < ${before}::timestamptz order by at limit ${BATCH}
        ))`.execute(tx)
      return Number(numAffectedRows)
    })
    deleted += count
    if (count < BATCH) return deleted
  }
}
