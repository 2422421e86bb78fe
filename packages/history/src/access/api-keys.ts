import type { Scope } from '@foliot/access'
import { FoliotError, newJobId } from '@foliot/jobs'
import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../database.ts'
import { type AccessTransaction, changeAccess } from './change-access.ts'

/** A key as it is stored: never its secret. Times are ms since 1970. */
export interface ApiKeyRecord {
  id: string
  name: string
  /** null: all of them. */
  tenant: string | null
  scopes: Scope[]
  createdAt: number
  createdBy: string
  expiresAt: number | null
  /** Half a minute behind at times; null: never. */
  lastUsedAt: number | null
  revokedAt: number | null
  /** The id of the key that a rotation made in its place. */
  replacedBy: string | null
}

export interface NewApiKey {
  name: string
  /** SHA-256 of its secret, as 64 hexadecimal digits. */
  digest: string
  /** null: all of them. */
  tenant: string | null
  scopes: readonly Scope[]
  createdBy: string
  /** ms since 1970; null: never. */
  expiresAt: number | null
}

/** Whose keys: those of one tenant. Undefined: all keys. */
export type KeyOwner = string | undefined

export interface KeyPosition {
  createdAt: number
  id: string
}

/** A key that was changed, and how it was before. */
export interface ChangedKey {
  key: ApiKeyRecord
  before: ApiKeyRecord
}

/** So many keys of one tenant, and of all tenants, may count at a time: every process has all of them in memory. */
const MOST_OF_ONE = 1_000
const MOST_OF_ALL = 10_000

/**
 * @param now in ms since 1970.
 * @throws FoliotError `conflict` if so many keys of its tenant count as may.
 */
export function createApiKey(db: Database, key: NewApiKey, now: number): Promise<ApiKeyRecord> {
  return changeAccess(db, async (tx) => {
    const answer = await insertKey(tx, { ...key, bootstrap: false }, now)
    return { answer, isOther: true }
  })
}

/**
 * Makes the first key, unless there is one: undefined then. Of processes that ask at once one makes it. An api that was open
 * to its machine stays so.
 */
export function createFirstApiKey(db: Database, key: NewApiKey, now: number): Promise<ApiKeyRecord | undefined> {
  return changeAccess(db, async (tx) => {
    const any = await tx.selectFrom('foliot.api_keys').select('id').limit(1).executeTakeFirst()
    const answer = any ? undefined : await insertKey(tx, { ...key, bootstrap: true }, now)
    return { answer, isOther: answer !== undefined }
  })
}

/** The newest first, also those that were revoked or have expired. */
export async function listApiKeys(
  db: Database,
  owner: KeyOwner,
  limit: number,
  after?: KeyPosition,
): Promise<{ keys: ApiKeyRecord[]; more: boolean }> {
  const from = after && sql`(created_at, id) < (${timeOf(after.createdAt)}::timestamptz, ${after.id}::uuid)`
  const { rows } = await sql<ApiKeyRecord>`
    select ${COLUMNS} from foliot.api_keys where ${from ?? sql`true`} and ${ownedBy(owner)}
    order by created_at desc, id desc limit ${limit + 1}`.execute(db)
  return { keys: rows.slice(0, limit), more: rows.length > limit }
}

/** Undefined if the owner has no such key. */
export async function readApiKey(
  db: Database | AccessTransaction,
  id: string,
  owner: KeyOwner,
): Promise<ApiKeyRecord | undefined> {
  const { rows } = await sql<ApiKeyRecord>`
    select ${COLUMNS} from foliot.api_keys where id = ${id}::uuid and ${ownedBy(owner)}`.execute(db)
  return rows[0]
}

/** From now on it counts no more; one that was revoked stays as it is. Undefined if the owner has no such key. */
export function revokeApiKey(db: Database, id: string, owner: KeyOwner, now: number): Promise<ChangedKey | undefined> {
  return changeAccess(db, async (tx) => {
    const before = await readApiKey(tx, id, owner)
    if (!before) return { answer: undefined, isOther: false }
    if (before.revokedAt !== null) return { answer: { key: before, before }, isOther: false }
    const { rows } = await sql<ApiKeyRecord>`
      update foliot.api_keys set revoked_at = ${timeOf(now)}::timestamptz
      where id = ${id}::uuid returning ${COLUMNS}`.execute(tx)
    return { answer: { key: rows[0] as ApiKeyRecord, before }, isOther: true }
  })
}

/** The end of the year 9999: what an RFC 3339 time can tell. */
const LATEST_MS = Date.UTC(10_000, 0) - 1

export interface Rotation {
  /** SHA-256 of the new key's secret, as 64 hexadecimal digits. */
  digest: string
  createdBy: string
  /** For how long the old key goes on. */
  overlapMs: number
  /** The new key may last no longer than this, in ms since 1970; null: it may. */
  notAfter: number | null
}

/**
 * Makes a key that may do what this one may, and lets this one end with the overlap. One that was to expire gets a
 * successor that lasts as long as it was to last. Undefined if the owner has no such key.
 *
 * @returns the new key, and how the old one was.
 * @throws FoliotError `illegal_transition` for a key that was replaced or revoked, or has expired; `forbidden` if the new one
 *   would last longer than it may; `conflict` if so many keys of its tenant count as may.
 */
export function rotateApiKey(
  db: Database,
  id: string,
  owner: KeyOwner,
  rotation: Rotation,
  now: number,
): Promise<ChangedKey | undefined> {
  return changeAccess(db, async (tx) => {
    const old = await readApiKey(tx, id, owner)
    if (!old) return { answer: undefined, isOther: false }
    assertRotatable(old, now)
    const { name, tenant, scopes, createdAt, expiresAt } = old
    const { digest, createdBy, overlapMs, notAfter } = rotation
    const lasts = expiresAt === null ? null : Math.min(now + (expiresAt - createdAt), LATEST_MS)
    assertEndsBy(lasts, notAfter)
    const next = await insertKey(
      tx,
      { name, digest, tenant, scopes, createdBy, expiresAt: lasts, bootstrap: false },
      now,
    )
    await sql`
      update foliot.api_keys
      set expires_at = least(expires_at, ${timeOf(now + overlapMs)}::timestamptz), replaced_by = ${next.id}::uuid
      where id = ${id}::uuid`.execute(tx)
    return { answer: { key: next, before: old }, isOther: true }
  })
}

/**
 * A key that expires makes none that lasts longer. Both in ms since 1970, null for no end.
 *
 * @throws FoliotError `forbidden`
 */
export function assertEndsBy(expiresAt: number | null, notAfter: number | null): void {
  if (notAfter === null || (expiresAt !== null && expiresAt <= notAfter)) return
  const came = expiresAt === null ? 'one without an end' : `one that lasts until ${timeOf(expiresAt)}`
  throw new FoliotError(
    'forbidden',
    `expected a key that ends by ${timeOf(notAfter)}, as the caller's does, got ${came}`,
    {
      hint: 'ask for an earlier end with `expiresAt`, or with a key that lasts longer',
    },
  )
}

function assertRotatable({ id, revokedAt, expiresAt, replacedBy }: ApiKeyRecord, now: number): void {
  const isOver = expiresAt !== null && expiresAt <= now
  if (revokedAt === null && replacedBy === null && !isOver) return
  const came = revokedAt !== null ? 'was revoked' : isOver ? 'has expired' : `was replaced by ${replacedBy}`
  throw new FoliotError('illegal_transition', `expected a key that counts, got ${id}, which ${came}`, {
    hint: 'make a new key with POST /v1/api-keys, or rotate the one that replaced it',
  })
}

/** Notes when keys were used: id → ms since 1970. An earlier time than the one that is known changes nothing. */
export async function recordKeyUses(db: Database, uses: ReadonlyMap<string, number>): Promise<void> {
  if (uses.size === 0) return
  const times = [...uses.values()].map(timeOf)
  await sql`
    update foliot.api_keys set last_used_at = greatest(last_used_at, used.at)
    from unnest(${[...uses.keys()]}::uuid[], ${times}::timestamptz[]) as used (id, at)
    where api_keys.id = used.id`.execute(db)
}

async function insertKey(
  tx: AccessTransaction,
  key: NewApiKey & { bootstrap: boolean },
  now: number,
): Promise<ApiKeyRecord> {
  const { name, digest, tenant, scopes, createdBy, expiresAt, bootstrap } = key
  await assertRoom(tx, tenant, now)
  const expires = expiresAt === null ? null : timeOf(expiresAt)
  const { rows } = await sql<ApiKeyRecord>`
    insert into foliot.api_keys (id, name, digest, tenant, scopes, bootstrap, created_at, created_by, expires_at)
    values (${newJobId(now)}::uuid, ${name}, decode(${digest}, 'hex'), ${tenant}, ${[...scopes]}::text[], ${bootstrap},
      ${timeOf(now)}::timestamptz, ${createdBy}, ${expires}::timestamptz)
    returning ${COLUMNS}`.execute(tx)
  return rows[0] as ApiKeyRecord
}

async function assertRoom(tx: AccessTransaction, tenant: string | null, now: number): Promise<void> {
  const most = tenant === null ? MOST_OF_ALL : MOST_OF_ONE
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from foliot.api_keys
    where tenant is not distinct from ${tenant} and revoked_at is null
      and (expires_at is null or expires_at > ${timeOf(now)}::timestamptz)`.execute(tx)
  if ((rows[0]?.count ?? 0) < most) return
  const whose = tenant === null ? 'of all tenants' : `of ${tenant}`
  throw new FoliotError('conflict', `expected fewer than ${most} keys ${whose} that count, got ${most}`, {
    hint: 'revoke keys that nobody uses: GET /v1/api-keys tells when each was used last',
  })
}

const COLUMNS = sql`id, name, tenant, scopes, created_at as "createdAt", created_by as "createdBy",
  expires_at as "expiresAt", last_used_at as "lastUsedAt", revoked_at as "revokedAt", replaced_by as "replacedBy"`

const ownedBy = (owner: KeyOwner): RawBuilder<unknown> => (owner === undefined ? sql`true` : sql`tenant = ${owner}`)

const timeOf = (ms: number): string => new Date(ms).toISOString()
