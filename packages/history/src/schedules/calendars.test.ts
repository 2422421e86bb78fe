import { expect, it } from 'vitest'
import { openTestDatabase } from '../fixtures/test-database.ts'
import { testCalendar, testSchedule } from '../fixtures/test-schedules.ts'
import { deleteCalendar, listCalendars, putCalendar, readCalendar, readCalendars } from './calendars.ts'
import { readSchedulesRevision } from './schedule-changes.ts'
import { deleteSchedule, putSchedule } from './schedules.ts'

const { db } = await openTestDatabase()
const put = (tenant: string, name: string) => putCalendar(db, { tenant, name }, () => testCalendar())

it('makes a calendar, changes it and deletes it', async () => {
  const ref = { tenant: 'acme', name: 'holidays' }
  const made = await put('acme', 'holidays')
  const revision = made.after?.revision as number
  expect(made).toEqual({
    after: testCalendar({ ...ref, revision }),
    change: { kind: 'calendar', tenant: 'acme', id: 'holidays', revision, at: 2000, value: made.after },
  })
  const changed = await putCalendar(db, ref, (before) => before && { ...before, dates: [], updatedAt: 3000 })
  expect(changed).toMatchObject({ before: made.after, after: { dates: [] }, change: { at: 3000 } })
  expect(await readCalendar(db, ref)).toEqual(changed.after)
  expect(await readSchedulesRevision(db)).toBe(changed.after?.revision)
  expect(await putCalendar(db, ref, () => undefined)).toEqual({ before: changed.after, after: changed.after })
  const { before, change } = await deleteCalendar(db, ref, () => undefined, 4000)
  expect(before).toEqual(changed.after)
  expect(change).toEqual({
    kind: 'calendar',
    tenant: 'acme',
    id: 'holidays',
    revision: await readSchedulesRevision(db),
    at: 4000,
    value: undefined,
  })
  expect(await readCalendar(db, ref)).toBeUndefined()
  expect(await deleteCalendar(db, ref)).toEqual({})
})

it('deletes none that a schedule uses, and names those that do', async () => {
  await put('used', 'days')
  await put('other', 'days')
  const ids = Array.from({ length: 12 }, (_, i) => `s${String(i).padStart(2, '0')}`)
  const calendars = [{ name: 'days', mode: 'exclude' as const }]
  for (const id of ids.slice(0, 2)) await putSchedule(db, { tenant: 'used', id }, () => testSchedule({ calendars }))
  await expect(deleteCalendar(db, { tenant: 'used', name: 'days' })).rejects.toMatchObject({
    code: 'conflict',
    message: 'expected a calendar that no schedule uses, got days, which is used by s00, s01',
  })
  for (const id of ids) await putSchedule(db, { tenant: 'used', id }, () => testSchedule({ calendars }))
  await expect(deleteCalendar(db, { tenant: 'used', name: 'days' })).rejects.toThrow(/ s09 and others$/)
  expect((await deleteCalendar(db, { tenant: 'other', name: 'days' })).before).toBeDefined()
  for (const id of ids) await deleteSchedule(db, { tenant: 'used', id })
  expect((await deleteCalendar(db, { tenant: 'used', name: 'days' })).before).toBeDefined()
})

it('never has a schedule with a calendar that is gone, however they are changed at once', async () => {
  const ref = { tenant: 'race', name: 'days' }
  const calendars = [{ name: 'days', mode: 'exclude' as const }]
  for (let round = 0; round < 10; round++) {
    await put('race', 'days')
    const id = `s${round}`
    const [made, deleted] = await Promise.allSettled([
      putSchedule(db, { tenant: 'race', id }, () => testSchedule({ calendars })),
      deleteCalendar(db, ref),
    ])
    expect([made.status, deleted.status].toSorted()).toEqual(['fulfilled', 'rejected'])
    await deleteSchedule(db, { tenant: 'race', id })
  }
})

it('lists them, and reads some', async () => {
  for (const [tenant, name] of [
    ['m1', 'b'],
    ['m1', 'a'],
    ['m2', 'a'],
  ] as const)
    await put(tenant, name)
  const first = await listCalendars(db, undefined, 2, { tenant: 'm', name: '' })
  expect([first.calendars.map(({ name }) => name), first.more]).toEqual([['a', 'b'], true])
  const second = await listCalendars(db, undefined, 1, { tenant: 'm1', name: 'b' })
  expect(second.calendars).toMatchObject([{ tenant: 'm2', name: 'a' }])
  expect((await listCalendars(db, 'm1', 10)).calendars).toHaveLength(2)
  expect((await readCalendars(db, 'm1', ['a', 'x', '\u0000'])).map(({ name }) => name)).toEqual(['a'])
  expect(await readCalendars(db, 'm1', [])).toEqual([])
})
