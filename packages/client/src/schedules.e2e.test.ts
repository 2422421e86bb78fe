import { echo } from '@foliot/example-demo/jobs'
import { startApi, startRecorder, startWorker, testDatabaseUrl, testRedisUrl, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { createClient } from './client.ts'
import type {
  CalendarRequest,
  PreviewRequest,
  PutCalendar,
  SchedulePreview,
  ScheduleRequest,
  ScheduleTick,
  ShownCalendar,
  ShownSchedule,
} from './schedule-types.ts'

const FOLIOT_REDIS_URL = await testRedisUrl()
const FOLIOT_DATABASE_URL = await testDatabaseUrl()
const key = 'a-secret-of-some-length'
const env = { FOLIOT_REDIS_URL, FOLIOT_DATABASE_URL, FOLIOT_API_KEYS: key }
const [api] = await Promise.all([
  startApi(env),
  startRecorder(env),
  startWorker({ ...env, FOLIOT_JOBS: '@foliot/example-demo' }),
])
const foliot = createClient({ url: api.url, key })
const { schedules, calendars } = foliot
// The recorder makes the tables.
await waitUntil(() => schedules.list(), { what: 'tables for schedules' })

const YEARLY = { type: echo, input: { hello: 'world' }, cron: '30 2 1 1 *', timezone: 'Europe/Berlin' }

describe('the client with a real api', () => {
  it('makes a schedule, reads it, changes it and deletes it', async () => {
    const made = await schedules.put('yearly', { ...YEARLY, labels: { team: 'a' } })
    expect(made).toMatchObject({ id: 'yearly', tenant: 'default', type: 'demo.echo', labels: { team: 'a' } })
    expect(made.description).toContain('Europe/Berlin')
    expect(made.nextRuns).toHaveLength(5)
    expect(await schedules.get('yearly')).toEqual(made)
    expect(await schedules.put(made, { ...YEARLY, labels: { team: 'a' } })).toEqual(made)
    const changed = await schedules.put('yearly', { ...YEARLY, startAt: new Date(4e12) }, { revision: made.revision })
    expect(changed.startAt).toBe(new Date(4e12).toISOString())
    const stale = { revision: made.revision }
    await expect(schedules.put('yearly', YEARLY, stale)).rejects.toMatchObject({ code: 'precondition_failed' })
    await expect(schedules.delete('yearly', stale)).rejects.toMatchObject({ code: 'precondition_failed' })
    await schedules.delete(changed)
    await expect(schedules.get('yearly')).rejects.toMatchObject({ status: 404, code: 'not_found' })
  })

  it('pauses one and resumes it', async () => {
    const made = await schedules.put('paused', YEARLY)
    const until = new Date(Date.now() + 3_600_000)
    const paused = await schedules.pause('paused', { reason: 'the mail server is down', until })
    expect(paused).toMatchObject({ paused: true, pausedUntil: until.toISOString() })
    expect((await schedules.list({ paused: true })).items).toEqual([paused])
    expect(await schedules.resume(paused, { revision: paused.revision })).toMatchObject({
      paused: false,
      nextRuns: made.nextRuns,
    })
    await schedules.delete('paused')
  })

  it('lists them page by page, each of its tenant', async () => {
    for (const id of ['l1', 'l2', 'l3']) await schedules.put(id, { ...YEARLY, labels: { list: 'x' } })
    await schedules.put('l1', { ...YEARLY, labels: { list: 'x' } }, { tenant: 'acme' })
    const filter = { label: 'list:x', type: 'demo.echo', limit: 3 }
    const first = await schedules.list(filter)
    const second = await schedules.list({ ...filter, cursor: first.nextCursor ?? '' })
    const all = [...first.items, ...second.items]
    expect(all.map(({ tenant, id }) => `${tenant}/${id}`)).toEqual([
      'acme/l1',
      'default/l1',
      'default/l2',
      'default/l3',
    ])
    expect(second.nextCursor).toBeNull()
    // Each knows whose it is.
    for (const schedule of all) await schedules.delete(schedule)
    expect((await schedules.list()).items).toEqual([])
  })

  it('has one run by hand and makes up for a past range, and hears what became of it', async () => {
    await schedules.put('hourly', { type: echo, input: 'as ever', everyMs: 3_600_000, startAt: new Date(0) })
    const job = await schedules.trigger('hourly', { input: 'now', idempotencyKey: 'once' })
    expect((await schedules.trigger('hourly', { input: 'now', idempotencyKey: 'once' })).id).toBe(job.id)
    expect(await foliot.wait(job)).toMatchObject({ status: 'succeeded', output: 'now', scheduleId: 'hourly' })
    const range = { from: '2026-01-01T00:00:00Z', to: new Date('2026-01-01T03:00:00Z') }
    expect(await schedules.backfill('hourly', { ...range, dryRun: true })).toMatchObject({
      kind: 'backfill',
      dryRun: true,
    })
    await schedules.backfill('hourly', { ...range, ratePerSecond: 1000 })
    const ticks = await waitUntil(
      async () => {
        const { items } = await schedules.ticks('hourly', { limit: 10 })
        return items.length === 4 && items.every(({ jobStatus }) => jobStatus === 'succeeded') ? items : undefined
      },
      { what: 'the jobs of all ticks' },
    )
    expect(ticks.map(({ outcome }) => outcome)).toEqual(['fired', 'fired', 'fired', 'fired'])
    expect(ticks.map(({ jobId }) => jobId)).toContain(job.id)
    expect((await schedules.ticks('hourly', { to: '2026-01-01T00:00:00Z' })).items).toEqual([])
    await schedules.delete('hourly')
  })

  it('sees when a rule would be due, with calendars', async () => {
    const made = await calendars.put('holidays', { dates: ['12-25'], windows: [{ days: ['sun'], from: '22:00' }] })
    expect(made).toMatchObject({ name: 'holidays', timezone: 'UTC', warnings: [] })
    const { warnings, ...calendar } = made
    expect(await calendars.get('holidays')).toEqual(calendar)
    expect(await calendars.list()).toEqual({ items: [calendar], nextCursor: null })
    const inline = { name: 'boxing-day', dates: ['12-26'] }
    const preview = await schedules.preview({
      cron: '0 9 * * *',
      from: new Date('2027-12-24T12:00:00Z'),
      n: 1,
      calendars: ['holidays', inline],
    })
    expect(preview.items.map(({ kind }) => kind)).toEqual(['skipped', 'skipped', 'tick'])
    await schedules.put('kept', { ...YEARLY, calendars: [{ name: 'holidays', mode: 'shift' }] })
    await expect(calendars.delete('holidays')).rejects.toMatchObject({ code: 'conflict' })
    await schedules.delete('kept')
    await calendars.delete(calendar, { revision: calendar.revision })
    await expect(calendars.get('holidays')).rejects.toMatchObject({ code: 'not_found' })
  })

  it('says what is wrong with a rule, and where', async () => {
    await expect(schedules.put('wrong', { type: echo, input: 1, cron: '*/90 * * * * *' })).rejects.toMatchObject({
      code: 'validation_failed',
      problem: { errors: [{ path: '/cron' }] },
    })
  })
})

/** The OpenAPI document, as far as it is read here. */
interface Document {
  paths: Record<string, { post?: { requestBody: { content: Record<string, { schema: Schema }> } } }>
  components: { schemas: Record<string, Schema> }
}

interface Schema {
  properties: Record<string, { items?: Schema }>
  required?: string[]
}

/** Of each field, whether it has to be there. */
type Shape<T> = { [Name in keyof T]-?: object extends Pick<T, Name> ? false : true }

it('has the types that the api tells of', async () => {
  const answer = await fetch(`${api.url}/openapi.json`, { headers: { authorization: `Bearer ${key}` } })
  const document = (await answer.json()) as Document
  const shapeOf = (schema: Schema | undefined) =>
    Object.fromEntries(
      Object.keys(schema?.properties ?? {}).map((name) => [name, schema?.required?.includes(name) ?? false]),
    )
  const named = (name: string) => shapeOf(document.components.schemas[name])

  const schedule: Shape<ShownSchedule> = {
    id: true,
    tenant: true,
    revision: true,
    type: true,
    input: true,
    cron: false,
    everyMs: false,
    at: false,
    timezone: true,
    startAt: false,
    endAt: false,
    jitterMs: true,
    dst: false,
    calendars: true,
    misfire: true,
    lateAfterMs: true,
    maxCatchUp: true,
    overlap: true,
    startWithinMs: false,
    lateStart: false,
    expectWithinMs: false,
    finishWithinMs: false,
    paused: true,
    pausedReason: false,
    pausedUntil: false,
    labels: true,
    jobOptions: true,
    createdAt: true,
    updatedAt: true,
    description: true,
    nextRuns: true,
    warnings: true,
  }
  expect(named('Schedule')).toEqual(schedule)

  const rule = { cron: false, everyMs: false, at: false, timezone: false, startAt: false, endAt: false } as const
  const request: Shape<ScheduleRequest> = {
    ...rule,
    type: true,
    input: true,
    jitterMs: false,
    dst: false,
    calendars: false,
    misfire: false,
    lateAfterMs: false,
    maxCatchUp: false,
    overlap: false,
    startWithinMs: false,
    lateStart: false,
    expectWithinMs: false,
    finishWithinMs: false,
    paused: false,
    pausedReason: false,
    pausedUntil: false,
    labels: false,
    jobOptions: false,
  }
  // The id stands in the path.
  expect(named('ScheduleRequestInput')).toEqual({ ...request, id: false })

  const calendar: Shape<ShownCalendar> = {
    name: true,
    tenant: true,
    revision: true,
    timezone: true,
    dates: true,
    windows: true,
    createdAt: true,
    updatedAt: true,
  }
  const put: Shape<PutCalendar> = { ...calendar, warnings: true }
  expect([named('Calendar'), named('PutCalendar')]).toEqual([calendar, put])
  const calendarRequest: Shape<CalendarRequest> = { timezone: false, dates: false, windows: false }
  expect(named('CalendarRequestInput')).toEqual({ ...calendarRequest, name: false })

  const tick: Shape<ScheduleTick> = {
    scheduledFor: true,
    outcome: true,
    reason: false,
    until: false,
    count: false,
    latenessMs: false,
    jobId: false,
    jobStatus: false,
  }
  expect(named('Tick')).toEqual(tick)

  const preview: Shape<SchedulePreview> = { description: true, warnings: true, items: true }
  const item: Shape<SchedulePreview['items'][number]> = {
    kind: true,
    scheduledFor: true,
    due: false,
    local: true,
    explanation: false,
  }
  const { SchedulePreview: told } = document.components.schemas
  expect([shapeOf(told), shapeOf(told?.properties.items?.items)]).toEqual([preview, item])
  const previewRequest: Shape<PreviewRequest> = {
    ...rule,
    jitterMs: false,
    dst: false,
    calendars: false,
    id: false,
    from: false,
    n: false,
  }
  const asked = document.paths['/v1/schedules/preview']?.post?.requestBody.content['application/json']?.schema
  expect(shapeOf(asked)).toEqual(previewRequest)
})
