import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { openTestDatabase } from '../fixtures/test-database.ts'
import { readAccessRevision, readAccessSnapshot } from './access-snapshot.ts'
import {
  createApiKey,
  createFirstApiKey,
  listApiKeys,
  type NewApiKey,
  readApiKey,
  recordKeyUses,
  revokeApiKey,
  rotateApiKey,
} from './api-keys.ts'

const NOW = Date.UTC(2026, 2, 1, 12)
const HOUR_MS = 60 * 60 * 1000
const NOBODY = '0198c0de-0000-7000-8000-000000000000'

const { db } = await openTestDatabase()

let made = 0
const digest = (): string => createHash('sha256').update(`secret ${++made}`).digest('hex')

const create = (more: Partial<NewApiKey> = {}, now = NOW) =>
  createApiKey(
    db,
    { name: 'a', digest: digest(), tenant: 'acme', scopes: ['read'], createdBy: 'test', expiresAt: null, ...more },
    now,
  )

const countingIds = async (now = NOW) => (await readAccessSnapshot(db, now)).keys.map(({ id }) => id)

describe('a key', () => {
  it('is stored as it was made, and its secret nowhere', async () => {
    const key = await create({ name: 'billing', tenant: null, scopes: ['enqueue', 'read'], expiresAt: NOW + HOUR_MS })
    expect(key).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'billing',
      tenant: null,
      scopes: ['enqueue', 'read'],
      createdAt: NOW,
      createdBy: 'test',
      expiresAt: NOW + HOUR_MS,
      lastUsedAt: null,
      revokedAt: null,
      replacedBy: null,
    })
    expect(await readApiKey(db, key.id, undefined)).toEqual(key)
  })

  it('may have a name that is SQL', async () => {
    const name = `'; drop table foliot.api_keys; -- \\' "$1" $$`
    const { id } = await create({ name, tenant: `x' or '1'='1`, createdBy: name })
    expect(await readApiKey(db, id, `x' or '1'='1`)).toMatchObject({ name, createdBy: name })
    expect(await readApiKey(db, id, `y' or '1'='1`)).toBeUndefined()
    expect((await listApiKeys(db, `y' or '1'='1`, 10)).keys).toEqual([])
  })

  it('has a secret of its own', async () => {
    const same = digest()
    await create({ digest: same })
    await expect(create({ digest: same })).rejects.toMatchObject({ code: '23505' })
  })

  it('belongs to its owner alone', async () => {
    const { id } = await create({ tenant: 'acme' })
    expect(await readApiKey(db, id, 'acme')).toMatchObject({ id })
    expect(await readApiKey(db, id, 'other')).toBeUndefined()
    expect(await revokeApiKey(db, id, 'other', NOW)).toBeUndefined()
    const rotation = { digest: digest(), createdBy: 'x', overlapMs: 0, notAfter: null }
    expect(await rotateApiKey(db, id, 'other', rotation, NOW)).toBeUndefined()
    expect(await readApiKey(db, id, 'acme')).toMatchObject({ revokedAt: null, expiresAt: null })
    const ofAll = await create({ tenant: null })
    expect(await readApiKey(db, ofAll.id, 'acme')).toBeUndefined()
  })

  it('is revoked once, and stays so', async () => {
    const { id } = await create()
    expect(await revokeApiKey(db, id, undefined, NOW + 1)).toMatchObject({
      key: { revokedAt: NOW + 1 },
      before: { revokedAt: null },
    })
    expect(await revokeApiKey(db, id, 'acme', NOW + 2)).toMatchObject({
      key: { revokedAt: NOW + 1 },
      before: { revokedAt: NOW + 1 },
    })
    expect(await revokeApiKey(db, NOBODY, undefined, NOW)).toBeUndefined()
    expect(await countingIds()).not.toContain(id)
  })

  it('keeps the last of its uses, whoever writes later', async () => {
    const [one, other] = [await create(), await create()]
    await recordKeyUses(db, new Map([[one.id, NOW + 5000]]))
    await recordKeyUses(
      db,
      new Map([
        [one.id, NOW + 1000],
        [other.id, NOW + 2000],
        [NOBODY, NOW],
      ]),
    )
    await recordKeyUses(db, new Map())
    expect(await readApiKey(db, one.id, undefined)).toMatchObject({ lastUsedAt: NOW + 5000 })
    expect(await readApiKey(db, other.id, undefined)).toMatchObject({ lastUsedAt: NOW + 2000 })
  })
})

describe('a rotation', () => {
  const rotate = async (id: string, overlapMs: number, now = NOW, notAfter: number | null = null) =>
    (await rotateApiKey(db, id, undefined, { digest: digest(), createdBy: 'rotator', overlapMs, notAfter }, now))?.key

  it('makes a key that may do the same, and ends the old one with the overlap', async () => {
    const old = await create({ name: 'n', scopes: ['operate'] })
    const next = await rotate(old.id, HOUR_MS)
    expect(next).toMatchObject({
      name: 'n',
      tenant: 'acme',
      scopes: ['operate'],
      createdBy: 'rotator',
      expiresAt: null,
    })
    expect(await readApiKey(db, old.id, undefined)).toMatchObject({ expiresAt: NOW + HOUR_MS, replacedBy: next?.id })
    expect(await countingIds(NOW + HOUR_MS - 1)).toEqual(expect.arrayContaining([old.id, next?.id]))
    expect(await countingIds(NOW + HOUR_MS)).not.toContain(old.id)
  })

  it('never lets the old key last longer, and gives the new one as long', async () => {
    const old = await create({ expiresAt: NOW + HOUR_MS })
    const next = await rotate(old.id, 24 * HOUR_MS, NOW + HOUR_MS / 2)
    expect(await readApiKey(db, old.id, undefined)).toMatchObject({ expiresAt: NOW + HOUR_MS })
    expect(next).toMatchObject({ expiresAt: NOW + 1.5 * HOUR_MS })
  })

  it('makes no key that lasts longer than it may, and says so', async () => {
    const [endless, ending] = [await create(), await create({ expiresAt: NOW + HOUR_MS })]
    for (const { id } of [endless, ending]) {
      await expect(rotate(id, 0, NOW + 1, NOW + HOUR_MS)).rejects.toMatchObject({ code: 'forbidden' })
      expect(await readApiKey(db, id, undefined)).toMatchObject({ replacedBy: null })
    }
    expect(await rotate(ending.id, 0, NOW + 1, NOW + HOUR_MS + 1)).toMatchObject({ expiresAt: NOW + HOUR_MS + 1 })
  })

  it('without an overlap ends the old key at once', async () => {
    const old = await create()
    await rotate(old.id, 0)
    expect(await countingIds()).not.toContain(old.id)
  })

  it('is refused for a key that counts no more, or has a successor', async () => {
    const [revoked, expired, replaced] = [await create(), await create({ expiresAt: NOW + 1 }), await create()]
    await revokeApiKey(db, revoked.id, undefined, NOW)
    await rotate(replaced.id, HOUR_MS)
    await expect(rotate(revoked.id, 0)).rejects.toThrow(/was revoked$/)
    await expect(rotate(expired.id, 0, NOW + 1)).rejects.toThrow(/has expired$/)
    await expect(rotate(replaced.id, 0)).rejects.toMatchObject({ code: 'illegal_transition' })
    expect(await rotate(NOBODY, 0)).toBeUndefined()
  })
})

describe('the list', () => {
  it('has the newest first, each once, page by page, of one owner', async () => {
    const ids: string[] = []
    for (let i = 0; i < 7; i++) ids.push((await create({ tenant: 'paged' }, NOW + Math.floor(i / 3))).id)
    const seen: string[] = []
    for (let after: { createdAt: number; id: string } | undefined; ; ) {
      const { keys, more } = await listApiKeys(db, 'paged', 3, after)
      seen.push(...keys.map(({ id }) => id))
      after = keys.at(-1)
      if (!more) break
    }
    expect(seen).toEqual(ids.toReversed())
  })
})

describe('keys that count', () => {
  const fill = async (tenant: string | null, count: number) =>
    sql`
      insert into foliot.api_keys (id, name, digest, tenant, scopes, bootstrap, created_at, created_by)
      select gen_random_uuid(), 'n', sha256(gen_random_uuid()::text::bytea), ${tenant}, '{read}', false, now(), 'test'
      from generate_series(1, ${count})`.execute(db)

  it('are 1000 of a tenant at most, however many ask at once; keys that ended make room', async () => {
    const ended = await create({ tenant: 'full', expiresAt: NOW + 1 })
    await fill('full', 998)
    const last = await create({ tenant: 'full' })
    await expect(create({ tenant: 'full' })).rejects.toMatchObject({
      code: 'conflict',
      message: 'expected fewer than 1000 keys of full that count, got 1000',
    })
    const rotation = { digest: digest(), createdBy: 'x', overlapMs: HOUR_MS, notAfter: null }
    await expect(rotateApiKey(db, last.id, 'full', rotation, NOW)).rejects.toMatchObject({ code: 'conflict' })
    expect(await readApiKey(db, last.id, 'full')).toMatchObject({ replacedBy: null, expiresAt: null })
    await create({ tenant: 'not full' })
    expect(ended.expiresAt).toBe(NOW + 1)
    await create({ tenant: 'full' }, NOW + 1)
    await revokeApiKey(db, last.id, 'full', NOW + 1)
    const tries = await Promise.allSettled([1, 2, 3].map(() => create({ tenant: 'full' }, NOW + 1)))
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it('are 10000 of all tenants at most', async () => {
    await fill(null, 10_000)
    await expect(create({ tenant: null })).rejects.toMatchObject({
      code: 'conflict',
      message: 'expected fewer than 10000 keys of all tenants that count, got 10000',
    })
    await sql`delete from foliot.api_keys where tenant is null`.execute(db)
  })
})

describe('the revision', () => {
  it('rises with each change, and by the clock, so that a restored backup gives out no number twice', async () => {
    const first = await readAccessRevision(db)
    expect(first).toBeGreaterThan(Date.UTC(2026, 0, 1))
    const { id } = await create()
    const second = await readAccessRevision(db)
    expect(second).toBeGreaterThan(first)
    await recordKeyUses(db, new Map([[id, NOW]]))
    expect(await readAccessRevision(db)).toBe(second)
    expect(await readAccessSnapshot(db, NOW)).toMatchObject({ revision: second, hasOwnKeys: true })
    await sql`update foliot.access_revision set revision = 9000000000000`.execute(db)
    await create()
    expect(await readAccessRevision(db)).toBe(9_000_000_000_001)
  })

  it('stays as long as nothing changes', async () => {
    const { id } = await create()
    await revokeApiKey(db, id, undefined, NOW)
    const before = await readAccessRevision(db)
    await revokeApiKey(db, id, undefined, NOW + 1)
    await revokeApiKey(db, NOBODY, undefined, NOW)
    const rotation = { digest: digest(), createdBy: 'x', overlapMs: 0, notAfter: null }
    await rotateApiKey(db, NOBODY, undefined, rotation, NOW)
    await expect(rotateApiKey(db, id, undefined, rotation, NOW)).rejects.toThrow()
    const key = { name: 'a', digest: digest(), tenant: null, scopes: [], createdBy: 'x', expiresAt: null }
    expect(await createFirstApiKey(db, key, NOW)).toBeUndefined()
    expect(await readAccessRevision(db)).toBe(before)
  })

  it('of changes at once is that of one of them each', async () => {
    const { db: other } = await openTestDatabase()
    expect(await readAccessRevision(other)).toBe(0)
    const key = { name: 'a', tenant: null, scopes: ['admin' as const], createdBy: 'test', expiresAt: null }
    await Promise.all(Array.from({ length: 20 }, () => createApiKey(other, { ...key, digest: digest() }, NOW)))
    expect((await readAccessSnapshot(other, NOW)).keys).toHaveLength(20)
  })
})

describe('the first key', () => {
  it('is made once, however many ask, and is none that closes an open api', async () => {
    const { db: empty } = await openTestDatabase()
    const key = { name: 'first', tenant: null, scopes: ['admin' as const], createdBy: 'npm start', expiresAt: null }
    const tries = await Promise.all(
      Array.from({ length: 5 }, () => createFirstApiKey(empty, { ...key, digest: digest() }, NOW)),
    )
    const [first] = tries.filter((one) => one !== undefined)
    expect(tries.filter((one) => one !== undefined)).toHaveLength(1)
    const snapshot = await readAccessSnapshot(empty, NOW)
    expect(snapshot).toMatchObject({
      hasKeys: true,
      hasOwnKeys: false,
      keys: [{ id: first?.id, tenant: null, scopes: ['admin'] }],
    })
    expect(snapshot.ownKeysSince).toBeNull()
    const { id } = await createApiKey(empty, { ...key, digest: digest() }, NOW)
    await createApiKey(empty, { ...key, digest: digest(), expiresAt: NOW + 1 }, NOW + 1)
    await revokeApiKey(empty, id, undefined, NOW + 1)
    expect(await readAccessSnapshot(empty, NOW + 1)).toMatchObject({
      hasOwnKeys: true,
      ownKeysSince: NOW,
      keys: [{ id: first?.id }],
    })
  })
})
