import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** By which keys are deleted: without it each one has all keys read for one that it took the place of. */
export const keySuccessors: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
      create index api_keys_replaced_by on foliot.api_keys (replaced_by) where replaced_by is not null`.execute(db)
  },
}
