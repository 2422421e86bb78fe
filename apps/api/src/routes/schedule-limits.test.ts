import { expect, it } from 'vitest'
import { openAccessBed, ROOT } from '../fixtures/access-bed.ts'

const api = await openAccessBed()
const ACME = (await api.makeKey({ tenant: 'acme', scopes: ['operate'] })).key

const SCHEDULE = { type: 'demo.echo', input: 1, everyMs: 60_000 }
const limit = (limits: object) => api.as(ROOT, 'PUT', '/v1/tenants/acme', limits)
const put = (id: string, more: object = {}, by = ACME) =>
  api.as(by, 'PUT', `/v1/schedules/${id}`, { ...SCHEDULE, ...more })
const putCalendar = (name: string, dates = ['12-25']) => api.as(ACME, 'PUT', `/v1/calendars/${name}`, { dates })

it('refuses a schedule more than the tenant may have, and changes those that it has', async () => {
  const set = await limit({ maxSchedules: 2 })
  expect(set.body).toMatchObject({ maxSchedules: 2, maxCalendars: null })
  expect([(await put('a')).status, (await put('b')).status]).toEqual([201, 201])
  const { detail, hint } = (await put('c')).problem(409, 'conflict')
  expect(detail).toBe('expected at most 2 schedules of tenant acme, got one more: there are 2')
  expect(hint).toBe(
    'delete schedules that nobody needs, or have the limit raised: `maxSchedules` of PUT /v1/tenants/acme',
  )
  ;(await api.as(ACME, 'POST', '/v1/schedules', SCHEDULE)).problem(409, 'conflict')
  ;(await api.as(ACME, 'GET', '/v1/schedules/c')).problem(403, 'forbidden')
  ;(await api.as(ROOT, 'GET', '/v1/schedules/c?tenant=acme')).problem(404, 'not_found')
  expect((await put('b', { overlap: 'allow' })).status).toBe(200)
  expect((await put('b', { overlap: 'allow' })).status).toBe(200)
  expect((await api.as(ACME, 'POST', '/v1/schedules/a/pause')).status).toBe(200)
  // Another tenant's are no concern of it.
  expect((await put('c', {}, ROOT)).status).toBe(201)
  await api.as(ACME, 'DELETE', '/v1/schedules/a')
  expect((await put('c')).status).toBe(201)
  await limit({})
  expect((await put('d')).status).toBe(201)
})

it('refuses a calendar more, too', async () => {
  expect((await limit({ maxCalendars: 1 })).body).toMatchObject({ maxSchedules: null, maxCalendars: 1 })
  expect((await putCalendar('a')).status).toBe(201)
  expect((await putCalendar('b')).problem(409, 'conflict').detail).toContain('at most 1 calendars of tenant acme')
  ;(await api.as(ACME, 'POST', '/v1/calendars', { name: 'b' })).problem(409, 'conflict')
  expect((await putCalendar('a', ['12-26'])).status).toBe(200)
  await api.as(ACME, 'DELETE', '/v1/calendars/a')
  expect((await putCalendar('b')).status).toBe(201)
})

it('says in the audit what was refused', async () => {
  await limit({ maxSchedules: 0 })
  await put('refused')
  const { items } = (await api.as(ROOT, 'GET', '/v1/audit?target=refused')).body
  expect(items).toMatchObject([
    { action: 'schedule.put', outcome: 'refused', target: { kind: 'schedule', id: 'refused', tenant: 'acme' } },
  ])
})
