import { expect, it } from 'vitest'
import { openTestDatabase } from '../fixtures/test-database.ts'
import { readAccessRevision, readAccessSnapshot } from './access-snapshot.ts'
import { deleteTenant, listTenants, readTenant, setTenant } from './tenants.ts'

const { db } = await openTestDatabase()
const enqueueRate = { max: 10, perMs: 1000 }

it('keeps the limits of a tenant as they were set last', async () => {
  expect(await setTenant(db, 'acme', { enqueueRate, maxDepth: 5 })).toEqual({
    name: 'acme',
    limits: { enqueueRate, maxDepth: 5 },
  })
  expect(await setTenant(db, 'acme', { maxDepth: 6 })).toEqual({ name: 'acme', limits: { maxDepth: 6 } })
  expect(await readTenant(db, 'acme')).toEqual({ name: 'acme', limits: { maxDepth: 6 } })
  expect(await deleteTenant(db, 'acme')).toBe(true)
  expect(await deleteTenant(db, 'acme')).toBe(false)
  expect(await readTenant(db, 'acme')).toBeUndefined()
})

it('tells processes of them with one number that rises', async () => {
  const before = await readAccessRevision(db)
  await setTenant(db, 'one', { enqueueRate })
  await setTenant(db, `'; drop table foliot.tenants; --`, {})
  const snapshot = await readAccessSnapshot(db, Date.now())
  expect(snapshot.revision).toBeGreaterThan(before)
  expect(snapshot.tenants).toEqual([
    { name: `'; drop table foliot.tenants; --`, limits: {} },
    { name: 'one', limits: { enqueueRate } },
  ])
})

it('raises that number only with a change', async () => {
  await setTenant(db, 'same', { enqueueRate })
  const before = await readAccessRevision(db)
  await setTenant(db, 'same', { enqueueRate })
  await deleteTenant(db, 'nobody')
  expect(await readAccessRevision(db)).toBe(before)
  await setTenant(db, 'same', { enqueueRate, maxDepth: 1 })
  const changed = await readAccessRevision(db)
  expect(changed).toBeGreaterThan(before)
  await setTenant(db, 'same', {})
  await deleteTenant(db, 'same')
  await setTenant(db, 'none', {})
  expect(await readAccessRevision(db)).toBeGreaterThan(changed + 2)
  await deleteTenant(db, 'none')
})

it('lists them by name, page by page', async () => {
  for (const name of ['p3', 'p1', 'p4', 'p2']) await setTenant(db, name, {})
  const first = await listTenants(db, 2, 'p')
  expect([first.tenants.map(({ name }) => name), first.more]).toEqual([['p1', 'p2'], true])
  const second = await listTenants(db, 2, 'p2')
  expect([second.tenants.map(({ name }) => name), second.more]).toEqual([['p3', 'p4'], false])
})
