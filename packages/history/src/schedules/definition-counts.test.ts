import { testDatabaseUrl } from '@foliot/testkit'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { deleteTenant, setTenant } from '../access/tenants.ts'
import { opened, openTestDatabase } from '../fixtures/test-database.ts'
import { testCalendar, testSchedule } from '../fixtures/test-schedules.ts'
import { migrate, runMigrations } from '../migrate.ts'
import { MIGRATIONS } from '../migrations/index.ts'
import { deleteCalendar, putCalendar } from './calendars.ts'
import { DEFINITIONS_MAX } from './definition-counts.ts'
import { changeSchedules, deleteSchedule, putSchedule } from './schedules.ts'

const { db } = await openTestDatabase()

/** Both kinds are counted alike. */
const KINDS = {
  schedules: {
    put: (tenant: string, id: string, labels = {}) => putSchedule(db, { tenant, id }, () => testSchedule({ labels })),
    drop: (tenant: string, id: string) => deleteSchedule(db, { tenant, id }),
    limit: 'maxSchedules',
  },
  calendars: {
    put: (tenant: string, name: string, labels = {}) =>
      putCalendar(db, { tenant, name }, () => testCalendar({ dates: Object.keys(labels) })),
    drop: (tenant: string, name: string) => deleteCalendar(db, { tenant, name }),
    limit: 'maxCalendars',
  },
} as const

async function countsOf(tenant: string, of = db) {
  const { rows } = await sql<{ schedules: number; calendars: number }>`
    select schedules, calendars from foliot.definition_counts where tenant = ${tenant}`.execute(of)
  return rows[0]
}

describe.each(Object.entries(KINDS))('of %s', (kind, { put, drop, limit }) => {
  const named = (name: string): string => `${kind}-${name}`

  it('a tenant has no more than it may, and can change those that it has', async () => {
    const tenant = named('acme')
    await setTenant(db, tenant, { [limit]: 2 })
    await put(tenant, 'a')
    await put(tenant, 'b')
    await expect(put(tenant, 'c')).rejects.toMatchObject({
      code: 'conflict',
      message: `expected at most 2 ${kind} of tenant ${tenant}, got one more: there are 2`,
      hint: `delete ${kind} that nobody needs, or have the limit raised: \`${limit}\` of PUT /v1/tenants/${tenant}`,
    })
    expect((await put(tenant, 'b', { '12-26': 'x' })).before).toBeDefined()
    await put(named('other'), 'c')
    await drop(tenant, 'a')
    // One that was deleted is made anew.
    await put(tenant, 'a')
    await expect(put(tenant, 'c')).rejects.toThrow('got one more')
    expect(await countsOf(tenant)).toMatchObject({ [kind]: 2 })
  })

  it('however many are made at once', async () => {
    const tenant = named('race')
    await setTenant(db, tenant, { [limit]: 5 })
    const ids = Array.from({ length: 20 }, (_, n) => `s${n}`)
    const made = await Promise.allSettled(ids.map((id) => put(tenant, id)))
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(5)
    expect(await countsOf(tenant)).toMatchObject({ [kind]: 5 })
    // Those that were refused are there to be dropped no more than before.
    for (const id of ids) await drop(tenant, id)
    expect(await countsOf(tenant)).toMatchObject({ [kind]: 0 })
  })

  it('a tenant is refused for none that is not there any more, though nobody counted that', async () => {
    const tenant = named('drifted')
    await setTenant(db, tenant, { [limit]: 2 })
    await put(tenant, 'a')
    await sql`update foliot.definition_counts set ${sql.id(kind)} = 7 where tenant = ${tenant}`.execute(db)
    await put(tenant, 'b')
    expect(await countsOf(tenant)).toMatchObject({ [kind]: 2 })
    await expect(put(tenant, 'c')).rejects.toThrow('there are 2')
  })

  it('a limit that is lowered takes none away, and 0 lets none be made', async () => {
    const tenant = named('less')
    for (const id of ['a', 'b']) await put(tenant, id)
    await setTenant(db, tenant, { [limit]: 0 })
    expect((await put(tenant, 'a', { '12-26': 'x' })).after).toBeDefined()
    await expect(put(tenant, 'c')).rejects.toThrow(
      `expected at most 0 ${kind} of tenant ${tenant}, got one more: there are 2`,
    )
    await setTenant(db, tenant, { [limit]: 3 })
    await put(tenant, 'c')
  })
})

it('there is a limit also for who was given none', async () => {
  const { put, drop } = KINDS.calendars
  const most = DEFINITIONS_MAX.maxCalendars
  await put('default', 'a')
  await sql`
    insert into foliot.calendars
    select (jsonb_populate_record(of, jsonb_build_object('name', 'a' || n, 'revision', -n))).*
    from foliot.calendars as of, generate_series(2, ${most}) as n where tenant = 'default' and name = 'a'`.execute(db)
  const refused = `expected at most ${most} calendars of tenant default, got one more: there are ${most}`
  // Those were not counted yet: that is found when somebody would be refused.
  await sql`update foliot.definition_counts set calendars = ${most} where tenant = 'default'`.execute(db)
  await expect(put('default', 'b')).rejects.toThrow(refused)
  await setTenant(db, 'default', { maxCalendars: most + 1 })
  await put('default', 'b')
  await deleteTenant(db, 'default')
  await expect(put('default', 'c')).rejects.toThrow('got one more')
  for (const name of ['a', 'b']) await drop('default', name)
  await put('default', 'c')
})

it('counts nothing that was not made', async () => {
  const ref = { tenant: 'nothing', id: 'a' }
  await putSchedule(db, ref, () => undefined)
  await deleteSchedule(db, ref)
  const calendars = [{ name: 'nowhere', mode: 'exclude' as const }]
  await expect(putSchedule(db, ref, () => testSchedule({ calendars }))).rejects.toThrow('nowhere')
  expect(await countsOf('nothing')).toBeUndefined()
  await putSchedule(db, ref, () => testSchedule())
  await putSchedule(db, ref, () => testSchedule({ paused: true }))
  await changeSchedules(db, { tenant: 'nothing' }, (before) => ({ ...before, paused: false }))
  await deleteSchedule(db, ref, () => undefined)
  await deleteSchedule(db, ref)
  expect(await countsOf('nothing')).toEqual({ schedules: 0, calendars: 0 })
})

it('begins with those that there were before anybody counted', async () => {
  const old = opened(await testDatabaseUrl())
  const { '0007-schedule-limits': counting, ...before } = MIGRATIONS
  expect(counting).toBeDefined()
  await runMigrations(old, before)
  await sql`
    insert into foliot.schedules (
      tenant, id, revision, type, paused, labels, calendars, definition, created_at, updated_at, deleted_at
    )
    select 'acme', 's' || n, n, 'demo.echo', false, '{}', '{}', case when n < 3 then '{}' end, now(), now(),
      case when n = 3 then now() end
    from generate_series(1, 3) as n`.execute(old)
  await sql`
    insert into foliot.calendars (tenant, name, revision, definition, created_at, updated_at)
    values ('acme', 'days', 4, '{}', now(), now()), ('globex', 'days', 5, '{}', now(), now())`.execute(old)
  await migrate(old)
  expect(await countsOf('acme', old)).toEqual({ schedules: 2, calendars: 1 })
  expect(await countsOf('globex', old)).toEqual({ schedules: 0, calendars: 1 })
})
