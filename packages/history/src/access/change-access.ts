import { sql, type Transaction } from 'kysely'
import type { Database } from '../database.ts'
import type { Schema } from '../schema.ts'

export type AccessTransaction = Transaction<Schema>

export interface AccessChange<T> {
  answer: T
  /** Whether a row is other than before: only then every process has to read all of them again. */
  isOther: boolean
}

/**
 * Changes keys or tenants in one transaction that raises the revision if it changes anything. Changes wait for each other, so
 * that a greater revision is always a later one.
 */
export function changeAccess<T>(db: Database, change: (tx: AccessTransaction) => Promise<AccessChange<T>>): Promise<T> {
  return db.transaction().execute(async (tx) => {
    await sql`select from foliot.access_revision for update`.execute(tx)
    const { answer, isOther } = await change(tx)
    if (isOther) {
      // By the clock where that is further: a database that was restored from a backup must not give out numbers that
      // Redis has seen.
      await sql`
        update foliot.access_revision
        set revision = greatest(revision + 1, (extract(epoch from clock_timestamp()) * 1000)::bigint)`.execute(tx)
    }
    return answer
  })
}
