import type { ScheduleChange } from '@foliot/jobs'
import { expect, it } from 'vitest'
import { DAY_MS } from '../days.ts'
import { openTestDatabase } from '../fixtures/test-database.ts'
import { testCalendar, testSchedule } from '../fixtures/test-schedules.ts'
import { deleteCalendar, putCalendar } from './calendars.ts'
import { dropDeletedSchedules } from './drop-deleted.ts'
import { readScheduleChanges, readSchedulesRevision } from './schedule-changes.ts'
import { deleteSchedule, putSchedule } from './schedules.ts'

it('reads what is other than at a revision, once, as it is now', async () => {
  const { db } = await openTestDatabase()
  expect([await readSchedulesRevision(db), await readScheduleChanges(db, 0, 10)]).toEqual([0, []])
  const changes: (ScheduleChange | undefined)[] = []
  for (const id of ['a', 'b', 'c']) {
    changes.push((await putSchedule(db, { tenant: 't', id }, () => testSchedule())).change)
    changes.push((await putCalendar(db, { tenant: 't', name: id }, () => testCalendar())).change)
  }
  expect(await readScheduleChanges(db, 0, 10)).toEqual(changes)
  const since = await readSchedulesRevision(db)
  expect(await readScheduleChanges(db, since, 10)).toEqual([])

  const later = [
    (await putSchedule(db, { tenant: 't', id: 'a' }, (before) => before && { ...before, paused: true })).change,
    (await deleteSchedule(db, { tenant: 't', id: 'b' }, () => undefined, 9000)).change,
    (await deleteCalendar(db, { tenant: 't', name: 'c' }, () => undefined, 9001)).change,
  ]
  expect(await readScheduleChanges(db, since, 10)).toEqual(later)
  expect(await readScheduleChanges(db, 0, 10)).toEqual([changes[1], changes[3], changes[4], ...later])
  const pages: ScheduleChange[] = []
  for (;;) {
    const page = await readScheduleChanges(db, pages.at(-1)?.revision ?? 0, 2)
    if (page.length === 0) break
    pages.push(...page)
  }
  expect(pages).toEqual([changes[1], changes[3], changes[4], ...later])
})

it('forgets what was deleted long ago', async () => {
  const { db } = await openTestDatabase()
  const now = Date.now()
  for (const [id, days] of [
    ['long', 31],
    ['lately', 29],
    ['there', 0],
  ] as const) {
    await putSchedule(db, { tenant: 't', id }, () => testSchedule())
    await putCalendar(db, { tenant: 't', name: id }, () => testCalendar())
    if (id === 'there') continue
    await deleteSchedule(db, { tenant: 't', id }, () => undefined, now - days * DAY_MS)
    await deleteCalendar(db, { tenant: 't', name: id }, () => undefined, now - days * DAY_MS)
  }
  expect(await dropDeletedSchedules(db, { now, keepDays: 30 })).toBe(2)
  expect((await readScheduleChanges(db, 0, 10)).map(({ id }) => id)).toEqual(['lately', 'lately', 'there', 'there'])
  await expect(dropDeletedSchedules(db, { now, keepDays: 0 })).rejects.toThrow(RangeError)
})
