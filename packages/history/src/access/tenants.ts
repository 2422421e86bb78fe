import type { TenantLimits } from '@foliot/access'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import type { DefinitionLimits } from '../schedules/definition-counts.ts'
import { type AccessTransaction, changeAccess } from './change-access.ts'
import { toLimits } from './to-limits.ts'

/** Those that hold at every door are in memory there; those of definitions are asked for where these are stored. */
export interface StoredLimits extends TenantLimits, DefinitionLimits {}

export interface Tenant {
  name: string
  limits: StoredLimits
}

/** Tenants that somebody has limited, by name. */
export async function listTenants(
  db: Database,
  limit: number,
  after?: string,
): Promise<{ tenants: Tenant[]; more: boolean }> {
  const { rows } = await sql<TenantRow>`
    select ${COLUMNS} from foliot.tenants where ${after === undefined ? sql`true` : sql`name > ${after}`}
    order by name limit ${limit + 1}`.execute(db)
  return { tenants: rows.slice(0, limit).map(toTenant), more: rows.length > limit }
}

/** Undefined if nobody has limited it. */
export async function readTenant(db: Database, name: string): Promise<Tenant | undefined> {
  const row = await readRow(db, name)
  return row && toTenant(row)
}

async function readRow(db: Database | AccessTransaction, name: string): Promise<TenantRow | undefined> {
  const { rows } = await sql<TenantRow>`select ${COLUMNS} from foliot.tenants where name = ${name}`.execute(db)
  return rows[0]
}

/** Its limits from now on; what is left out has none, or the one by default. */
export function setTenant(db: Database, name: string, limits: StoredLimits): Promise<Tenant> {
  const { enqueueRate, maxDepth, maxSchedules, maxCalendars } = limits
  return changeAccess(db, async (tx) => {
    const before = await readRow(tx, name)
    const { rows } = await sql<TenantRow>`
      insert into foliot.tenants (name, enqueue_max, enqueue_per_ms, max_depth, max_schedules, max_calendars)
      values (${name}, ${enqueueRate?.max ?? null}, ${enqueueRate?.perMs ?? null}, ${maxDepth ?? null},
        ${maxSchedules ?? null}, ${maxCalendars ?? null})
      on conflict (name) do update
      set enqueue_max = excluded.enqueue_max, enqueue_per_ms = excluded.enqueue_per_ms, max_depth = excluded.max_depth,
        max_schedules = excluded.max_schedules, max_calendars = excluded.max_calendars
      returning ${COLUMNS}`.execute(tx)
    const after = rows[0] as TenantRow
    // Of what every process has in memory.
    const isSame = before?.max === after.max && before.perMs === after.perMs && before.maxDepth === after.maxDepth
    return { answer: toTenant(after), isOther: !isSame }
  })
}

/** Lifts its limits. False if it had none. */
export function deleteTenant(db: Database, name: string): Promise<boolean> {
  return changeAccess(db, async (tx) => {
    const { rows } = await sql`delete from foliot.tenants where name = ${name} returning name`.execute(tx)
    const isThere = rows.length > 0
    return { answer: isThere, isOther: isThere }
  })
}

interface TenantRow {
  name: string
  max: number | null
  perMs: number | null
  maxDepth: number | null
  maxSchedules: number | null
  maxCalendars: number | null
}

const COLUMNS = sql`name, enqueue_max as max, enqueue_per_ms as "perMs", max_depth as "maxDepth",
  max_schedules as "maxSchedules", max_calendars as "maxCalendars"`

const toTenant = ({ name, maxSchedules, maxCalendars, ...limits }: TenantRow): Tenant => ({
  name,
  limits: {
    ...toLimits(limits),
    ...(maxSchedules !== null && { maxSchedules }),
    ...(maxCalendars !== null && { maxCalendars }),
  },
})
