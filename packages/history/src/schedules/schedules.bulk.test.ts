import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { openTestDatabase } from '../fixtures/test-database.ts'
import { testSchedule } from '../fixtures/test-schedules.ts'
import { readScheduleChanges, readSchedulesRevision } from './schedule-changes.ts'
import { changeSchedules, putSchedule } from './schedules.ts'

it('changes ten thousand at once, and refuses more', async () => {
  const { db } = await openTestDatabase()
  const { after } = await putSchedule(db, { tenant: 'many', id: 's0' }, () => testSchedule())
  const copies = async (from: number, to: number) => {
    await sql`
      insert into foliot.schedules (
        tenant, id, revision, type, paused, labels, calendars, definition, created_at, updated_at
      )
      select tenant, 's' || n, revision - 20000 + n, type, paused, labels, calendars,
        jsonb_set(definition::jsonb, '{id}', to_jsonb('s' || n))::text, created_at, updated_at
      from foliot.schedules, generate_series(${from}::integer, ${to}::integer) as n where id = 's0'`.execute(db)
  }
  await copies(1, 9_999)
  const pause = () => changeSchedules(db, { tenant: 'many' }, (before) => ({ ...before, paused: true }))
  const { changed } = await pause()
  expect(changed).toHaveLength(10_000)
  const changes = await readScheduleChanges(db, after?.revision as number, 20_000)
  expect(new Set(changes.map(({ id }) => id)).size).toBe(10_000)
  expect(changes.at(-1)?.revision).toBe(await readSchedulesRevision(db))

  await copies(10_001, 10_001)
  await expect(pause()).rejects.toMatchObject({
    code: 'conflict',
    message: 'expected at most 10000 schedules that fit, got more',
  })
})
