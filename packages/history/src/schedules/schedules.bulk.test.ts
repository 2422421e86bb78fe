import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { openTestDatabase } from '../fixtures/test-database.ts'
import { testSchedule } from '../fixtures/test-schedules.ts'
import { listSchedules, type ScheduleRef } from './find-schedules.ts'
import { readScheduleChanges, readSchedulesRevision } from './schedule-changes.ts'
import { changeSchedules, putSchedule } from './schedules.ts'

it('changes any number, some at a time, each once', async () => {
  const { db } = await openTestDatabase()
  const { after: first } = await putSchedule(db, { tenant: 'many', id: 's0' }, () => testSchedule())
  await sql`
    insert into foliot.schedules (tenant, id, revision, type, paused, labels, calendars, definition, created_at, updated_at)
    select tenant, 's' || n, revision - 20000 + n, type, paused, labels, calendars,
      jsonb_set(definition::jsonb, '{id}', to_jsonb('s' || n))::text, created_at, updated_at
    from foliot.schedules, generate_series(1, 4999) as n where id = 's0'`.execute(db)
  const parts: number[] = []
  for (let after: ScheduleRef | undefined; ; ) {
    const { changed, last } = await changeSchedules(db, {}, (before) => ({ ...before, paused: true }), after)
    parts.push(changed.length)
    if (!last) break
    // What is made behind it meanwhile is one of them; what was changed is not looked at again.
    if (parts.length === 1) await putSchedule(db, { tenant: 'others', id: 'new' }, () => testSchedule())
    after = last
  }
  expect(parts).toEqual([2000, 2000, 1001])
  const changes = await readScheduleChanges(db, first?.revision as number, 20_000)
  expect(new Set(changes.map(({ id, revision }) => `${id} ${revision}`)).size).toBe(5001)
  expect(changes.at(-1)?.revision).toBe(await readSchedulesRevision(db))
  const { schedules } = await listSchedules(db, { paused: true }, 10_000)
  expect(schedules).toHaveLength(5001)
})
