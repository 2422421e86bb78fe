import { sql } from 'kysely'
import type { Database } from './database.ts'
import { DAY_MS, dayOf } from './days.ts'

/**
 * The job as the REST API answers it, as JSON text. Undefined if history has no such job.
 *
 * @param id a UUID. Most tell when they were made, so that one or two partitions have to be asked.
 */
export async function readJob(db: Database, id: string): Promise<string | undefined> {
  return (await readColumn(db, 'document', id)) ?? undefined
}

/** The lines of its log, oldest first. Undefined if history has no such job. */
export async function readLog(db: Database, id: string): Promise<string[] | undefined> {
  const log = await readColumn(db, 'log', id)
  return log === undefined ? undefined : (JSON.parse(log ?? '[]') as string[])
}

/** What jobs are, of those that history has, in no order. */
export async function readBriefs(
  db: Database,
  ids: readonly string[],
): Promise<{ id: string; type: string; tenant: string }[]> {
  const days = [...new Set(ids.flatMap(daysOf))]
  const { rows } = await sql<{ id: string; type: string; tenant: string }>`
    select id, type, tenant from foliot.jobs where id = any (${ids}::uuid[]) and day = any (${days}::date[])`.execute(
    db,
  )
  return rows
}

/** Undefined for a job that is not there. */
async function readColumn(db: Database, column: 'document' | 'log', id: string): Promise<string | null | undefined> {
  const days = daysOf(id)
  if (days.length > 0) {
    const { rows } = await sql<{ value: string | null }>`
      select ${sql.ref(column)} as value from foliot.jobs where id = ${id} and day = any (${days}::date[])`.execute(db)
    if (rows[0]) return rows[0].value
  }
  const { rows } = await sql<{ value: string | null }>`
    select ${sql.ref(column)} as value from foliot.jobs where id = ${id}`.execute(db)
  return rows[0]?.value
}

/** The days on which a job with this id was made, but for one whose id was made by hand: then none. */
function daysOf(id: string): string[] {
  const made = timeOf(id)
  // It was given its id before, or about when, it was stored.
  return made === undefined ? [] : [-DAY_MS, 0, DAY_MS].map((apart) => dayOf(made + apart))
}

/** When a UUIDv7 was made, or for when the UUIDv8 of a tick, in ms since 1970. Undefined for another id, or a time that PostgreSQL has no date for. */
function timeOf(id: string): number | undefined {
  if (id[14] !== '7' && id[14] !== '8') return undefined
  const ms = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
  return ms < Date.UTC(9999, 0) ? ms : undefined
}
