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
  throw new FoliotError(
    'conflict',
    `expected at most ${most} ${kind} of tenant ${tenant}, got one more: there are ${count - 1}`,
    { hint: `delete ${kind} that nobody needs, or have the limit raised: \`${limit}\` of PUT /v1/tenants/${tenant}` },
  )
}

/** Counts one less. */
export async function countDeleted(tx: DefinitionTransaction, kind: Kind, tenant: string): Promise<void> {
  const column = sql.id(kind)
  // Rows that were written by hand were never counted.
  await sql`
    update foliot.definition_counts set ${column} = greatest(${column} - 1, 0) where tenant = ${tenant}`.execute(tx)
}
