import { openDatabase } from '@foliot/history'
import { describe, expect, it } from 'vitest'
import { databaseWithTables } from '../fixtures/access-bed.ts'
import { openTestApi } from '../fixtures/test-api.ts'
import { ScheduleStore } from '../schedules/schedule-store.ts'
import { warnOfNeverDue } from '../schedules/warn-never-due.ts'

const databaseUrl = await databaseWithTables()
const api = await openTestApi({ databaseUrl })

const HOLIDAYS = { timezone: 'Europe/Berlin', dates: ['12-25', '12-26'] }
const MORNINGS = {
  windows: [{ days: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'], from: '08:00', to: '10:00' }],
}
const path = (name: string): string => `/v1/calendars/${name}`
const put = (name: string, body: unknown = HOLIDAYS, headers?: Record<string, string>) =>
  api.send('PUT', path(name), body, headers)
const pathsOf = (problem: { errors?: { path: string }[] }) => problem.errors?.map((error) => error.path)

describe('a calendar', () => {
  it('is made, replaced, listed and deleted', async () => {
    const first = await put('a1')
    expect(first.status).toBe(201)
    const { warnings, ...made } = first.body
    expect(made).toMatchObject({ ...HOLIDAYS, name: 'a1', tenant: 'default', windows: [] })
    expect(warnings).toEqual([])
    expect(first.headers.get('etag')).toBe(`"${first.body.revision}"`)
    expect((await api.get(path('a1'))).body).toEqual(made)
    const again = await put('a1', { ...HOLIDAYS, name: 'a1', windows: [] })
    expect([again.status, again.body]).toEqual([200, first.body])
    const windows = [{ days: ['sat', 'sun'] }]
    const second = await put('a1', { windows }, { 'if-match': `"${first.body.revision}"` })
    expect(second.body).toMatchObject({ dates: [], windows: [{ days: ['sat', 'sun'], from: '00:00', to: '24:00' }] })
    ;(await put('a1', HOLIDAYS, { 'if-match': `"${first.body.revision}"` })).problem(412, 'precondition_failed')
    await put('a2')
    const page = (await api.get('/v1/calendars?limit=1')).body
    expect(page.items).toMatchObject([{ name: 'a1' }])
    const next = (await api.get(`/v1/calendars?limit=1&cursor=${page.nextCursor}`)).body
    expect([next.items, next.nextCursor]).toMatchObject([[{ name: 'a2' }], null])
    expect((await api.send('DELETE', path('a1'))).status).toBe(204)
    ;(await api.send('DELETE', path('a1'))).problem(404, 'not_found')
    ;(await api.get(path('a1'))).problem(404, 'not_found')
    expect((await api.get('/v1/audit?target=a1&action=calendar.delete')).body.items).toMatchObject([
      { outcome: 'refused' },
      { before: { name: 'a1' }, target: { kind: 'calendar', tenant: 'default' } },
    ])
  })

  it('can be made once with POST', async () => {
    const made = await api.post('/v1/calendars?tenant=acme', { name: 'posted', ...HOLIDAYS })
    expect(made.status).toBe(201)
    expect((await api.get(made.headers.get('location') as string)).body).toEqual(made.body)
    expect((await api.post('/v1/calendars', { name: 'posted', ...HOLIDAYS })).status).toBe(201)
    ;(await api.post('/v1/calendars', { name: 'posted', ...HOLIDAYS })).problem(409, 'conflict')
    expect(pathsOf((await api.post('/v1/calendars', HOLIDAYS)).problem(400, 'validation_failed'))).toEqual(['/name'])
  })

  it('stays while a schedule uses it', async () => {
    await put('used')
    const body = { type: 'demo.echo', input: 1, cron: '0 9 * * *', calendars: ['used'] }
    const made = await api.send('PUT', '/v1/schedules/user', body)
    expect(made.body).toMatchObject({ calendars: [{ name: 'used', mode: 'exclude' }] })
    expect(made.body.description).toBe('at 09:00 every day, UTC, but not in used')
    expect((await api.send('DELETE', path('used'))).problem(409, 'conflict').detail).toContain('user')
    // What it makes of the rule is told, and refused for a new one.
    const { body: changed } = await put('used', MORNINGS)
    expect(changed.warnings).toEqual(['Never due any more with this calendar: user.'])
    const never = (await api.get('/v1/schedules/user')).body
    expect([never.nextRuns, never.warnings]).toEqual([[], [expect.stringContaining('calendar "used"')]])
    ;(await api.send('PUT', '/v1/schedules/user2', body)).problem(400, 'validation_failed')
    await api.send('DELETE', '/v1/schedules/user')
    expect((await api.send('DELETE', path('used'))).status).toBe(204)
  })

  it('names ten of those that it silences, and none that goes on or is over', async () => {
    await put('silent')
    const daily = { type: 'demo.echo', input: 1, cron: '0 9 * * *', calendars: ['silent'] }
    const use = async (id: string, more: object = {}) =>
      expect((await api.send('PUT', `/v1/schedules/${id}`, { ...daily, ...more })).status).toBe(201)
    await use('a-noon', { cron: '0 12 * * *' })
    for (let i = 10; i < 22; i++) await use(`s${i}`)
    await use('t-more', { cron: '0 9,11 * * *' })
    await use('t-moved', { calendars: [{ name: 'silent', mode: 'shift' }] })
    const named = Array.from({ length: 10 }, (_, i) => `s${i + 10}`).join(', ')
    const expected = [`Never due any more with this calendar: ${named} and 2 others.`]
    expect((await put('silent', MORNINGS)).body.warnings).toEqual(expected)
    // The same again changes nothing, and is as bad.
    expect((await put('silent', MORNINGS)).body.warnings).toEqual(expected)
    const db = openDatabase({ url: databaseUrl })
    const store = new ScheduleStore({ db, redis: api.redis, log: { warn: () => undefined } })
    expect(await warnOfNeverDue({ tenant: 'default', name: 'silent' }, store, 2)).toEqual([
      'Never due any more with this calendar: s10.',
      'More than 2 schedules use this calendar: only the first 2 by id were looked at.',
    ])
    await db.destroy()
    expect((await put('silent')).body.warnings).toEqual([])
  })

  it.each<[string, object, string]>([
    ['a date that there is not', { dates: ['2027-02-30'] }, '/dates'],
    ['a time that there is not', { windows: [{ days: ['sat'], from: '25:00' }] }, '/windows'],
    ['all of the week', { windows: [{ days: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] }] }, '/windows'],
    ['a day that there is not', { windows: [{ days: ['caturday'] }] }, '/windows/0/days/0'],
    ['an unknown zone', { timezone: 'Europe/Berln' }, '/timezone'],
    ['a field that there is not', { colour: 'red' }, '/colour'],
    ['another name', { name: 'other' }, '/name'],
  ])('is refused with %s', async (_, body, wrong) => {
    expect(pathsOf((await put('wrong', body)).problem(400, 'validation_failed'))).toEqual([wrong])
    ;(await put('-a')).problem(400, 'validation_failed')
  })
})

describe('a preview', () => {
  const preview = (body: object) => api.post('/v1/schedules/preview', body)

  it('explains what the clocks do to a rule', async () => {
    const cron = { cron: '30 2 * * *', timezone: 'Europe/Berlin', from: '2027-03-27T00:00:00Z', n: 2 }
    const { status, body } = await preview(cron)
    expect(status).toBe(200)
    expect(body).toEqual({
      description: 'at 02:30 every day, Europe/Berlin',
      warnings: [],
      items: [
        {
          kind: 'tick',
          scheduledFor: '2027-03-27T01:30:00.000Z',
          due: '2027-03-27T01:30:00.000Z',
          local: '2027-03-27T02:30:00+01:00',
        },
        {
          kind: 'tick',
          scheduledFor: '2027-03-28T01:00:00.000Z',
          due: '2027-03-28T01:00:00.000Z',
          local: '2027-03-28T03:00:00+02:00',
          explanation: expect.stringContaining('does not exist'),
        },
      ],
    })
    const skipping = await preview({ ...cron, dst: { missing: 'skip' } })
    expect(skipping.body.items.map(({ kind }: { kind: string }) => kind)).toEqual(['tick', 'skipped', 'tick'])
  })

  it('takes calendars by name, and others as they are written', async () => {
    await put('known', { dates: ['01-02'] })
    const inline = { name: 'mine', mode: 'shift', dates: ['01-03'] }
    const rule = { cron: '0 9 * * *', from: '2027-01-01T12:00:00Z', n: 1, calendars: ['known', inline] }
    expect((await preview(rule)).body.items).toMatchObject([
      { kind: 'skipped', scheduledFor: '2027-01-02T09:00:00.000Z', explanation: expect.stringContaining('"known"') },
      {
        kind: 'tick',
        scheduledFor: '2027-01-03T09:00:00.000Z',
        due: '2027-01-04T00:00:00.000Z',
        local: '2027-01-04T00:00:00+00:00',
        explanation: expect.stringContaining('"mine"'),
      },
    ])
    const wrong = await preview({ ...rule, calendars: ['unknown'] })
    expect(pathsOf(wrong.problem(400, 'validation_failed'))).toEqual(['/calendars'])
  })

  it('counts steps from where it begins, and ends with the rule', async () => {
    const from = '2027-01-01T00:00:10Z'
    const times = async (body: object) =>
      (await preview({ from, n: 2, ...body })).body.items.map(({ due }: { due: string }) => due)
    expect(await times({ everyMs: 90_000 })).toEqual(['2027-01-01T00:01:40.000Z', '2027-01-01T00:03:10.000Z'])
    expect(await times({ at: '2027-01-01T00:01:00Z' })).toEqual(['2027-01-01T00:01:00.000Z'])
    expect(await times({ at: '2027-01-01T00:00:00Z' })).toEqual([])
  })

  it('shows the jitter of one schedule', async () => {
    const rule = { cron: '0 * * * *', jitterMs: 60_000 }
    const { nextRuns } = (await api.send('PUT', '/v1/schedules/jittered', { ...rule, type: 'demo.echo', input: 1 }))
      .body
    const { items } = (await preview({ ...rule, id: 'jittered', n: 6 })).body
    expect(items.map(({ due }: { due: string }) => due)).toEqual(expect.arrayContaining(nextRuns.slice(1)))
  })

  it.each<[string, object, string]>([
    ['no rule', {}, '/cron'],
    ['a rule that is wrong', { cron: '60 * * * *' }, '/cron'],
    ['daylight saving of steps', { everyMs: 1000, dst: { missing: 'skip' } }, '/dst'],
    ['too many ticks', { cron: '@daily', n: 101 }, '/n'],
    ['a field that there is not', { cron: '@daily', colour: 'red' }, '/colour'],
  ])('is refused with %s', async (_, body, wrong) => {
    expect(pathsOf((await preview(body)).problem(400, 'validation_failed'))).toEqual([wrong])
  })
})
