import type { Schedule } from '@foliot/jobs'
import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../database.ts'
import { and } from '../planner.ts'
import { storedText } from '../stored-text.ts'
import type { DefinitionTransaction } from './change-definitions.ts'

/** Which schedule: ids are unique within a tenant. */
export interface ScheduleRef {
  tenant: string
  id: string
}

/** Those that fit everything that is given. */
export interface ScheduleFilter {
  tenant?: string
  type?: string
  /** All of them. */
  labels?: Readonly<Record<string, string>>
  /** At this moment, by the clock of PostgreSQL: one whose `pausedUntil` has passed is not. */
  paused?: boolean
  /** The name of one that it keeps away from. */
  calendar?: string
}

/** Undefined if there is none. */
export async function readSchedule(
  db: Database | DefinitionTransaction,
  { tenant, id }: ScheduleRef,
): Promise<Schedule | undefined> {
  const { rows } = await sql<{ definition: string }>`
    select definition from foliot.schedules
    where tenant = ${storedText(tenant)} and id = ${storedText(id)} and deleted_at is null`.execute(db)
  return rows[0] && JSON.parse(rows[0].definition)
}

/** By tenant and then by id, behind `after`. */
export async function listSchedules(
  db: Database,
  filter: ScheduleFilter,
  limit: number,
  after?: ScheduleRef,
): Promise<{ schedules: Schedule[]; more: boolean }> {
  const { rows } = await sql<{ definition: string }>`
    select definition from foliot.schedules where ${fitting(filter)}${behind(after)}
    order by tenant, id limit ${limit + 1}`.execute(db)
  return {
    schedules: rows.slice(0, limit).map(({ definition }) => JSON.parse(definition) as Schedule),
    more: rows.length > limit,
  }
}

/** Where a page begins, to stand behind other conditions. */
export const behind = (after: ScheduleRef | undefined): RawBuilder<unknown> =>
  after ? sql` and (tenant, id) > (${storedText(after.tenant)}, ${storedText(after.id)})` : sql``

export function fitting({ tenant, type, labels, paused, calendar }: ScheduleFilter): RawBuilder<unknown> {
  return and([
    sql`deleted_at is null`,
    ...(tenant === undefined ? [] : [sql`tenant = ${storedText(tenant)}`]),
    ...(type === undefined ? [] : [sql`type = ${storedText(type)}`]),
    ...(labels === undefined ? [] : [sql`labels @> ${storedLabels(labels)}::jsonb`]),
    ...(paused === undefined ? [] : [paused ? IS_PAUSED : sql`not ${IS_PAUSED}`]),
    // The index has only schedules with a calendar, and is asked where that is said.
    ...(calendar === undefined ? [] : [sql`calendars <> '{}' and calendars @> ${[storedText(calendar)]}::text[]`]),
  ])
}

const IS_PAUSED = sql`(paused and coalesce(paused_until > now(), true))`

/** As JSON text that PostgreSQL takes. */
export const storedLabels = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.fromEntries(Object.entries(labels).map(([key, value]) => [storedText(key), storedText(value)])))
