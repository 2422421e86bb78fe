import { sql, type Transaction } from 'kysely'
import type { Database } from '../database.ts'
import type { Schema } from '../schema.ts'

export type DefinitionTransaction = Transaction<Schema>

export interface DefinitionChange<T> {
  answer: T
  /** How many revisions it took. */
  count: number
}

/**
 * Changes schedules or calendars in one transaction. `first` is the revision of its first change, and each further one has the
 * next. Changes wait for each other, so that a greater revision is always a later one.
 */
export function changeDefinitions<T>(
  db: Database,
  change: (tx: DefinitionTransaction, first: number) => Promise<DefinitionChange<T>>,
): Promise<T> {
  return db.transaction().execute(async (tx) => {
    // By the clock where that is further: a database that was restored from a backup must not give out numbers that Redis
    // has seen.
    const { rows } = await sql<{ first: number }>`
      select greatest(revision + 1, (extract(epoch from clock_timestamp()) * 1000)::bigint) as first
      from foliot.schedules_revision for update`.execute(tx)
    const first = rows[0]?.first
    if (first === undefined) {
      throw new Error('expected one row in foliot.schedules_revision, got none: insert it, as the migration does')
    }
    const { answer, count } = await change(tx, first)
    if (count > 0) {
      await sql`update foliot.schedules_revision set revision = ${first + count - 1}`.execute(tx)
    }
    return answer
  })
}
