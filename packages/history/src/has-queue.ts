import { sql } from 'kysely'
import type { Database } from './database.ts'
import { allow } from './planner.ts'
import { tag } from './tags.ts'

/** Whether it has a job of this queue, be it of a queue that is no more. */
export function hasQueue(db: Database, queue: string): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    await allow(tx, 'index')
    const { rows } = await sql<{ any: boolean }>`
      select exists (select from foliot.jobs where tags @> ${[tag.queue(queue)]}::text[]) as any`.execute(tx)
    return rows[0]?.any === true
  })
}
