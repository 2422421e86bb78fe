import { FoliotError } from '@foliot/jobs'
import { sql } from 'kysely'
import type { DefinitionTransaction } from './change-definitions.ts'

/** How many definitions a tenant may have. What is left out is as by default. */
export interface DefinitionLimits {
  maxSchedules?: number
  maxCalendars?: number
}

/** Of each tenant that nobody has given another limit: every scheduler may have all schedules in memory, and all calendars. */
export const DEFINITIONS_MAX = Object.freeze({ maxSchedules: 1_000_000, maxCalendars: 10_000 })

type Kind = 'schedules' | 'calendars'

const LIMITS = { schedules: 'maxSchedules', calendars: 'maxCalendars' } as const
const COLUMNS = { schedules: 'max_schedules', calendars: 'max_calendars' } as const

/**
 * Counts one that is new. Changes wait for each other, so that there are never more than the tenant may have; a limit that is
 * lowered takes nothing away.
 *
 * @throws FoliotError `conflict` if the tenant has as many as it may.
 */
export async function countMade(tx: DefinitionTransaction, kind: Kind, tenant: string): Promise<void> {
  const column = sql.id(kind)
  const { rows } = await sql<{ count: number; max: number | null }>`
    insert into foliot.definition_counts as known (tenant, schedules, calendars)
    values (${tenant}, ${kind === 'schedules' ? 1 : 0}, ${kind === 'calendars' ? 1 : 0})
    on conflict (tenant) do update set ${column} = known.${column} + 1
    returning ${column} as count, (select ${sql.id(COLUMNS[kind])} from foliot.tenants where name = ${tenant}) as max`.execute(
    tx,
  )
  const { count = 1, max = null } = rows[0] ?? {}
  const limit = LIMITS[kind]
  const most = max ?? DEFINITIONS_MAX[limit]
  if (count <= most) return
  const there = await recount(tx, kind, tenant)
  if (there < most) return
  throw new FoliotError(
    'conflict',
    `expected at most ${most} ${kind} of tenant ${tenant}, got one more: there are ${there}`,
    { hint: `delete ${kind} that nobody needs, or have the limit raised: \`${limit}\` of PUT /v1/tenants/${tenant}` },
  )
}

/**
 * Nobody is refused for what is not there: apis of a version that did not count yet may have deleted some.
 *
 * @returns how many there are; the one that is being made is counted besides
 */
async function recount(tx: DefinitionTransaction, kind: Kind, tenant: string): Promise<number> {
  const column = sql.id(kind)
  const { rows } = await sql<{ there: number }>`
    update foliot.definition_counts
    set ${column} = 1 + (select count(*) from foliot.${column} where tenant = ${tenant} and deleted_at is null)
    where tenant = ${tenant}
    returning ${column} - 1 as there`.execute(tx)
  return rows[0]?.there ?? 0
}

/** Counts one less. */
export async function countDeleted(tx: DefinitionTransaction, kind: Kind, tenant: string): Promise<void> {
  const column = sql.id(kind)
  // Rows that were written by hand were never counted.
  await sql`
    update foliot.definition_counts set ${column} = greatest(${column} - 1, 0) where tenant = ${tenant}`.execute(tx)
}
