import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { DAY_MS, timeOf } from '../days.ts'

/**
 * Forgets schedules and calendars that were deleted longer ago than so many days. Until then whoever has a copy of all learns
 * that they are gone.
 *
 * @param options `now` in ms since 1970; `keepDays` at least 1.
 * @returns how many.
 * @throws RangeError if they should be remembered for less than a day.
 */
export async function dropDeletedSchedules(
  db: Database,
  { now, keepDays }: { now: number; keepDays: number },
): Promise<number> {
  if (!(keepDays >= 1)) throw new RangeError(`expected deletions to be remembered for at least a day, got ${keepDays}`)
  const before = timeOf(now - keepDays * DAY_MS)
  let dropped = 0
  for (const table of ['schedules', 'calendars']) {
    const { numAffectedRows = 0n } = await sql`
      delete from ${sql.id('foliot', table)} where deleted_at < ${before}::timestamptz`.execute(db)
    dropped += Number(numAffectedRows)
  }
  return dropped
}
