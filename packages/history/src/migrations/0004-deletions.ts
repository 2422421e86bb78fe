import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Jobs that somebody deleted: whoever was recording one just then may have written it again, and it is deleted once more. */
export const deletions: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
      create table foliot.deletions (
        job_id uuid primary key,
        at timestamptz not null default now()
      )`.execute(db)
  },
}
