import type { ScheduleChange } from '@foliot/jobs'
import { sql } from 'kysely'
import type { Database } from '../database.ts'

interface Row {
  kind: ScheduleChange['kind']
  tenant: string
  id: string
  revision: number
  at: number
  definition: string | null
}

/**
 * What is other than it was at a revision: each schedule and calendar that was changed or deleted since, once, as it is now. By
 * revision, the lowest first; the revision of the last one is where the next page begins.
 */
export async function readScheduleChanges(
  db: Database,
  afterRevision: number,
  limit: number,
): Promise<ScheduleChange[]> {
  // One statement, so that all of it is of one moment.
  const { rows } = await sql<Row>`
    (
      select 'schedule' as kind, tenant, id, revision, ${CHANGED_AT} as at, definition
      from foliot.schedules where revision > ${afterRevision} order by revision limit ${limit}
    )
    union all
    (
      select 'calendar' as kind, tenant, name as id, revision, ${CHANGED_AT} as at, definition
      from foliot.calendars where revision > ${afterRevision} order by revision limit ${limit}
    )
    order by revision limit ${limit}`.execute(db)
  return rows.map(
    ({ definition, ...row }) =>
      ({ ...row, value: definition === null ? undefined : JSON.parse(definition) }) as ScheduleChange,
  )
}

/** As a number: of hundreds of thousands, reading times as they are spelled takes a while. */
const CHANGED_AT = sql`(extract(epoch from coalesce(deleted_at, updated_at)) * 1000)::bigint`

/** Of the last change; 0 if there never was one. */
export async function readSchedulesRevision(db: Database): Promise<number> {
  const row = await db.selectFrom('foliot.schedules_revision').select('revision').executeTakeFirst()
  return row?.revision ?? 0
}
