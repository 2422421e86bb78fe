import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { DAY_MS } from '../days.ts'
import { openTestDatabase } from '../fixtures/test-database.ts'
import { readAccessRevision, readAccessSnapshot } from './access-snapshot.ts'
import { createApiKey, createFirstApiKey, listApiKeys, readApiKey, revokeApiKey, rotateApiKey } from './api-keys.ts'
import { dropEndedKeys } from './drop-ended-keys.ts'

const NOW = Date.UTC(2026, 2, 1, 12)
const KEEP = { now: NOW, keepDays: 365 }
const LONG_AGO = NOW - 366 * DAY_MS

const { db } = await openTestDatabase()

let made = 0
const newKey = (expiresAt: number | null = null) => ({
  name: 'a',
  digest: createHash('sha256').update(`secret ${++made}`).digest('hex'),
  tenant: null,
  scopes: ['admin' as const],
  createdBy: 'test',
  expiresAt,
})

const create = (expiresAt: number | null = null) => createApiKey(db, newKey(expiresAt), LONG_AGO - DAY_MS)

it('deletes keys that ended longer ago than they are kept, but for the first of each kind', async () => {
  const bootstrap = await createFirstApiKey(db, newKey(LONG_AGO), LONG_AGO - 2 * DAY_MS)
  const first = await create(LONG_AGO)
  const [expired, revoked, late, counting] = [await create(LONG_AGO), await create(), await create(), await create()]
  await revokeApiKey(db, revoked.id, undefined, LONG_AGO)
  await revokeApiKey(db, late.id, undefined, NOW - 364 * DAY_MS)
  const [revision, { hasOwnKeys, ownKeysSince }] = [await readAccessRevision(db), await readAccessSnapshot(db, NOW)]

  expect(await dropEndedKeys(db, KEEP)).toBe(2)
  for (const { id } of [expired, revoked]) expect(await readApiKey(db, id, undefined)).toBeUndefined()
  const left = (await listApiKeys(db, undefined, 10)).keys.map(({ id }) => id)
  expect(left.toSorted()).toEqual([bootstrap?.id, first.id, late.id, counting.id].toSorted())
  expect(await readAccessSnapshot(db, NOW)).toMatchObject({ revision, hasKeys: true, hasOwnKeys, ownKeysSince })
  expect(await dropEndedKeys(db, KEEP)).toBe(0)
})

it('deletes what took the place of a key that stays, and keys that took the place of each other', async () => {
  const rotate = async (id: string, overlapMs: number, now: number) =>
    (await rotateApiKey(db, id, undefined, { ...newKey(), overlapMs, notAfter: null }, now))?.key.id as string
  const stays = await create()
  const second = await rotate(stays.id, 30 * DAY_MS, LONG_AGO - 10)
  const third = await rotate(second, 0, LONG_AGO - 9)
  await revokeApiKey(db, third, undefined, LONG_AGO - 8)
  expect(await dropEndedKeys(db, KEEP)).toBe(2)
  expect(await readApiKey(db, stays.id, undefined)).toMatchObject({ replacedBy: null })
})

it('refuses to keep them for less than a day', async () => {
  await expect(dropEndedKeys(db, { now: NOW, keepDays: 0 })).rejects.toThrow(RangeError)
})
