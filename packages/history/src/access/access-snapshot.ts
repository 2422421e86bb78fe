import type { AccessSnapshot } from '@foliot/access'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { toLimits } from './to-limits.ts'

/** @param now in ms since 1970. */
export async function readAccessSnapshot(db: Database, now: number): Promise<AccessSnapshot> {
  // One statement, so that all of it is of one moment.
  const { rows } = await sql<{
    revision: number
    hasKeys: boolean
    hasOwnKeys: boolean
    ownKeysSince: number | null
    keys: AccessSnapshot['keys']
    tenants: { name: string; max: number | null; perMs: number | null; maxDepth: number | null }[]
  }>`
    select revision,
      exists (select from foliot.api_keys) as "hasKeys",
      exists (select from foliot.api_keys where not bootstrap) as "hasOwnKeys",
      (select min(created_at) from foliot.api_keys where not bootstrap) as "ownKeysSince",
      (
        select coalesce(json_agg(json_build_object(
          'id', id, 'name', name, 'digest', encode(digest, 'hex'), 'tenant', tenant, 'scopes', scopes,
          'expiresAt', (extract(epoch from expires_at) * 1000)::bigint
        ) order by id), '[]')
        from foliot.api_keys
        where revoked_at is null and (expires_at is null or expires_at > ${new Date(now).toISOString()}::timestamptz)
      ) as keys,
      (
        select coalesce(json_agg(json_build_object(
          'name', name, 'max', enqueue_max, 'perMs', enqueue_per_ms, 'maxDepth', max_depth
        ) order by name), '[]')
        from foliot.tenants
      ) as tenants
    from foliot.access_revision`.execute(db)
  const [row] = rows
  if (!row) throw new Error('expected one row in foliot.access_revision, got none: insert it, as the migration does')
  return { ...row, tenants: row.tenants.map(({ name, ...limits }) => ({ name, limits: toLimits(limits) })) }
}

/** Of what is stored now; 0 if nothing ever was. */
export async function readAccessRevision(db: Database): Promise<number> {
  const row = await db.selectFrom('foliot.access_revision').select('revision').executeTakeFirst()
  return row?.revision ?? 0
}
