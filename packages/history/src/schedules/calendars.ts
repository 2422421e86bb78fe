import { FoliotError, type ScheduleChange, type StoredCalendar } from '@foliot/jobs'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { timeOf } from '../days.ts'
import { and } from '../planner.ts'
import { storedText } from '../stored-text.ts'
import { textArray } from '../text-array.ts'
import { changeDefinitions, type DefinitionTransaction } from './change-definitions.ts'
import { countDeleted, countMade } from './definition-counts.ts'
import { fitting } from './find-schedules.ts'

/** Which calendar: names are unique within a tenant. */
export interface CalendarRef {
  tenant: string
  name: string
}

/** What one change did. */
export interface ChangedCalendar {
  before?: StoredCalendar
  after?: StoredCalendar
  /** What Redis has to know. Undefined if nothing is other than before. */
  change?: ScheduleChange
}

/** How many schedules are named that keep a calendar from being deleted. */
const NAMED = 10

/**
 * Makes or changes a calendar, as `putSchedule` does.
 *
 * @param make what it is to be; undefined: as it is. It may throw, and then nothing changes.
 * @throws FoliotError `conflict` if it would be new, and its tenant has as many as it may.
 */
export function putCalendar(
  db: Database,
  ref: CalendarRef,
  make: (before: StoredCalendar | undefined, revision: number) => StoredCalendar | undefined,
): Promise<ChangedCalendar> {
  return changeDefinitions(db, async (tx, revision) => {
    const before = await readCalendar(tx, ref)
    const made = make(before, revision)
    const was = before && { before }
    if (!made) return { answer: { ...was, ...(before && { after: before }) }, count: 0 }
    const { tenant, name } = ref
    const after: StoredCalendar = { ...made, tenant, name, revision }
    if (!before) await countMade(tx, 'calendars', tenant)
    await sql`
      insert into foliot.calendars (tenant, name, revision, definition, created_at, updated_at)
      values (${tenant}, ${name}, ${revision}, ${JSON.stringify(after)}, ${timeOf(after.createdAt)}::timestamptz,
        ${timeOf(after.updatedAt)}::timestamptz)
      on conflict (tenant, name) do update set
        revision = excluded.revision, definition = excluded.definition, created_at = excluded.created_at,
        updated_at = excluded.updated_at, deleted_at = null`.execute(tx)
    const change: ScheduleChange = { kind: 'calendar', tenant, id: name, revision, at: after.updatedAt, value: after }
    return { answer: { ...was, after, change }, count: 1 }
  })
}

/**
 * @param check is asked before, and may throw: then it stays.
 * @param now in ms since 1970.
 * @returns nothing if there is no such calendar.
 * @throws FoliotError `conflict` naming schedules that use it.
 */
export function deleteCalendar(
  db: Database,
  ref: CalendarRef,
  check: (before: StoredCalendar) => void = () => undefined,
  now = Date.now(),
): Promise<Pick<ChangedCalendar, 'before' | 'change'>> {
  return changeDefinitions<Pick<ChangedCalendar, 'before' | 'change'>>(db, async (tx, revision) => {
    const before = await readCalendar(tx, ref)
    if (!before) return { answer: {}, count: 0 }
    check(before)
    await expectUnused(tx, ref)
    const { tenant, name } = ref
    await sql`
      update foliot.calendars
      set revision = ${revision}, definition = null, deleted_at = ${timeOf(now)}::timestamptz
      where tenant = ${tenant} and name = ${name}`.execute(tx)
    await countDeleted(tx, 'calendars', tenant)
    const change: ScheduleChange = { kind: 'calendar', tenant, id: name, revision, at: now, value: undefined }
    return { answer: { before, change }, count: 1 }
  })
}

async function expectUnused(tx: DefinitionTransaction, { tenant, name }: CalendarRef): Promise<void> {
  const { rows } = await sql<{ id: string }>`
    select id from foliot.schedules where ${fitting({ tenant, calendar: name })}
    order by id limit ${NAMED + 1}`.execute(tx)
  if (rows.length === 0) return
  const named = rows.slice(0, NAMED).map(({ id }) => id)
  const users = `${named.join(', ')}${rows.length > NAMED ? ' and others' : ''}`
  throw new FoliotError(
    'conflict',
    `expected a calendar that no schedule uses, got ${name}, which is used by ${users}`,
    {
      hint: 'take it out of their `calendars` first, or delete them',
    },
  )
}

/** Undefined if there is none. */
export async function readCalendar(
  db: Database | DefinitionTransaction,
  { tenant, name }: CalendarRef,
): Promise<StoredCalendar | undefined> {
  const [calendar] = await readCalendars(db, tenant, [name])
  return calendar
}

/** Those of a tenant that there are of these, in no order. */
export async function readCalendars(
  db: Database | DefinitionTransaction,
  tenant: string,
  names: readonly string[],
): Promise<StoredCalendar[]> {
  if (names.length === 0) return []
  const { rows } = await sql<{ definition: string }>`
    select definition from foliot.calendars
    where tenant = ${storedText(tenant)} and name = any (${textArray(names.map(storedText))}::text[])
      and deleted_at is null`.execute(db)
  return rows.map(({ definition }) => JSON.parse(definition) as StoredCalendar)
}

/** By tenant and then by name, behind `after`. @param tenant undefined: those of all tenants */
export async function listCalendars(
  db: Database,
  tenant: string | undefined,
  limit: number,
  after?: CalendarRef,
): Promise<{ calendars: StoredCalendar[]; more: boolean }> {
  const conditions = [
    sql`deleted_at is null`,
    ...(tenant === undefined ? [] : [sql`tenant = ${storedText(tenant)}`]),
    ...(after ? [sql`(tenant, name) > (${storedText(after.tenant)}, ${storedText(after.name)})`] : []),
  ]
  const { rows } = await sql<{ definition: string }>`
    select definition from foliot.calendars where ${and(conditions)}
    order by tenant, name limit ${limit + 1}`.execute(db)
  return {
    calendars: rows.slice(0, limit).map(({ definition }) => JSON.parse(definition) as StoredCalendar),
    more: rows.length > limit,
  }
}
