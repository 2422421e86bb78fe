import { openDatabase } from '@foliot/history'
import { scheduleKey } from '@foliot/jobs'
import { parseProjected, readProjected } from '@foliot/queue'
import { waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { databaseWithTables } from '../fixtures/access-bed.ts'
import { openTestApi } from '../fixtures/test-api.ts'
import { ScheduleStore } from '../schedules/schedule-store.ts'

const databaseUrl = await databaseWithTables()
const api = await openTestApi({ databaseUrl })

const NIGHTLY = { type: 'demo.echo', input: { hello: 'world' }, cron: '30 2 * * *', timezone: 'Europe/Berlin' }
/** What is not said of it. */
const DEFAULTS = {
  jitterMs: 0,
  misfire: 'fire_once',
  lateAfterMs: 30_000,
  maxCatchUp: 100,
  overlap: 'skip',
  paused: false,
  calendars: [],
  labels: {},
  jobOptions: {},
}

/** Of an operation in the document. */
interface Example {
  tags: string[]
  requestBody?: { content: Record<string, { schema?: { $ref?: string; example?: unknown } }> }
}

let made = 0
const newId = (): string => `s${++made}`
const path = (id: string): string => `/v1/schedules/${id}`
const put = (id: string, body: unknown = NIGHTLY, headers?: Record<string, string>) =>
  api.send('PUT', path(id), body, headers)
const pathsOf = (problem: { errors?: { path: string }[] }) => problem.errors?.map((error) => error.path)

/** As schedulers see it. */
async function projected(id: string) {
  const key = scheduleKey({ tenant: 'default', id })
  const [text] = await readProjected(api.redis, [key])
  return text === undefined ? undefined : parseProjected(key, text)
}

describe('a schedule', () => {
  it('is made, read, replaced and deleted, and schedulers see it at once', async () => {
    const id = newId()
    const first = await put(id)
    expect(first.status).toBe(201)
    expect(first.body).toMatchObject({ ...NIGHTLY, ...DEFAULTS, id, tenant: 'default', warnings: [] })
    expect(first.body.description).toBe('at 02:30 every day, Europe/Berlin')
    expect(first.body.nextRuns).toHaveLength(5)
    expect(Date.parse(first.body.nextRuns[0])).toBeGreaterThan(Date.now())
    expect(first.headers.get('etag')).toBe(`"${first.body.revision}"`)
    expect(await projected(id)).toMatchObject({ revision: first.body.revision, current: { cron: '30 2 * * *' } })

    const read = await api.get(path(id))
    expect([read.status, read.body]).toEqual([200, first.body])
    expect(read.headers.get('etag')).toBe(first.headers.get('etag'))

    const second = await put(id, { ...NIGHTLY, overlap: 'allow', labels: { team: 'a' } })
    expect(second.status).toBe(200)
    expect(second.body).toMatchObject({ overlap: 'allow', labels: { team: 'a' }, createdAt: first.body.createdAt })
    expect(second.body.revision).toBeGreaterThan(first.body.revision)
    expect(await projected(id)).toMatchObject({ revision: second.body.revision, current: { overlap: 'allow' } })

    expect((await api.send('DELETE', path(id))).status).toBe(204)
    expect(await projected(id)).toMatchObject({ current: undefined })
    ;(await api.get(path(id))).problem(404, 'not_found')
    ;(await api.send('DELETE', path(id))).problem(404, 'not_found')
  })

  it('is as it was when the same is sent again', async () => {
    const id = newId()
    const body = { ...NIGHTLY, cron: undefined, everyMs: 60_000, dst: undefined, paused: true, pausedReason: 'not yet' }
    const first = (await put(id, body)).body
    const again = await put(id, { ...body, id, jitterMs: 0, calendars: [] })
    expect([again.status, again.body]).toEqual([200, first])
  })

  it('gets an id if it has none, and is not made twice with one', async () => {
    const made = await api.post('/v1/schedules', NIGHTLY)
    expect(made.status).toBe(201)
    expect(made.headers.get('location')).toBe(path(made.body.id))
    expect((await api.get(path(made.body.id))).body).toEqual(made.body)
    ;(await api.post('/v1/schedules', { ...NIGHTLY, id: made.body.id })).problem(409, 'conflict')
    ;(await api.post('/v1/schedules', NIGHTLY, { 'idempotency-key': 'a' })).problem(400, 'validation_failed')
  })

  it('gives back its input as it was sent', async () => {
    const id = newId()
    const input = '{"b":1.0,"a":12345678901234567890}'
    await put(id, `{"type":"demo.echo","input":${input},"everyMs":60000}`)
    for (const answer of [path(id), '/v1/schedules?limit=200']) {
      expect(await (await fetch(api.url + answer)).text()).toContain(`"input":${input}`)
    }
  })

  it('of a type that nobody has announced is taken, with a warning', async () => {
    const { status, body } = await put(newId(), { ...NIGHTLY, type: 'demo.unknown' })
    expect([status, body.warnings]).toEqual([201, [expect.stringContaining('demo.unknown')]])
  })

  it('tells what is right and may not be meant', async () => {
    const { body } = await put(newId(), { ...NIGHTLY, cron: '0 0 13 * FRI' })
    expect(body.warnings).toEqual([expect.stringContaining('+FRI')])
  })

  it('has steps that count from the edit which set them, and from no other', async () => {
    const id = newId()
    const every = { type: 'demo.echo', input: 1, everyMs: 3_600_000 }
    const { createdAt, nextRuns } = (await put(id, every)).body
    expect(nextRuns[0]).toBe(new Date(Date.parse(createdAt) + 3_600_000).toISOString())
    expect((await put(id, { ...every, overlap: 'allow' })).body.nextRuns).toEqual(nextRuns)
    const { updatedAt, nextRuns: others } = (await put(id, { ...every, everyMs: 7_200_000 })).body
    expect(others[0]).toBe(new Date(Date.parse(updatedAt) + 7_200_000).toISOString())
  })

  it.each<[string, object, string[]]>([
    ['no rule', { cron: undefined }, ['/cron']],
    ['two rules', { everyMs: 1000 }, ['/cron']],
    ['an ambiguous rule', { cron: '*/90 * * * * *' }, ['/cron']],
    ['a rule that is over', { cron: undefined, at: '2020-01-01T00:00:00Z' }, ['/at']],
    ['a rule that never is', { cron: '0 0 31 2 *' }, ['/cron']],
    ['an unknown zone', { timezone: 'Europe/Berln' }, ['/timezone']],
    ['steps that are too short', { cron: undefined, everyMs: 999 }, ['/everyMs']],
    ['an end before its start', { startAt: '2027-01-02T00:00:00Z', endAt: '2027-01-01T00:00:00Z' }, ['/endAt']],
    ['a time of long ago', { startAt: '1969-12-31T23:59:59Z' }, ['/startAt']],
    ['an unknown calendar', { calendars: ['nowhere'] }, ['/calendars']],
    ['a calendar twice', { calendars: ['a', { name: 'a', mode: 'shift' }] }, ['/calendars']],
    ['a wrong input', { type: 'demo.sleep', input: { ms: 'long' } }, ['/input/ms']],
    ['a type that cannot be', { type: 'demo unknown' }, ['/type']],
    ['no input', { input: undefined }, ['/input']],
    ['a field that there is not', { colour: 'red' }, ['/colour']],
    ['a policy that there is not', { overlap: 'both' }, ['/overlap']],
    ['a reason for no pause', { pausedReason: 'x' }, ['/pausedReason']],
    ['a pause that is over', { paused: true, pausedUntil: '2020-01-01T00:00:00Z' }, ['/pausedUntil']],
    ['`lateStart` alone', { lateStart: 'fail' }, ['/lateStart']],
    ['another id', { id: 'other' }, ['/id']],
    ['wrong options of its jobs', { jobOptions: { attempts: 0 } }, ['/jobOptions/attempts']],
  ])('is refused with %s', async (_, more, paths) => {
    const id = newId()
    const answer = await put(id, { ...NIGHTLY, ...more })
    expect(pathsOf(answer.problem(400, 'validation_failed'))).toEqual(paths)
    ;(await api.get(path(id))).problem(404, 'not_found')
  })

  it('is refused with an input that is too large, and an id that cannot be', async () => {
    ;(await put(newId(), { ...NIGHTLY, input: 'x'.repeat(65_536) })).problem(413, 'payload_too_large')
    for (const id of ['-a', 'a b', 'x'.repeat(129)]) {
      ;(await put(encodeURIComponent(id))).problem(400, 'validation_failed')
      ;(await api.get(path(encodeURIComponent(id)))).problem(404, 'not_found')
    }
  })

  it('is changed only as it was read, if that is asked for', async () => {
    const id = newId()
    ;(await put(id, NIGHTLY, { 'if-match': '*' })).problem(412, 'precondition_failed')
    const { headers } = await put(id, NIGHTLY, { 'if-none-match': '*' })
    const tag = headers.get('etag') as string
    ;(await put(id, NIGHTLY, { 'if-none-match': '*' })).problem(412, 'precondition_failed')
    expect((await put(id, { ...NIGHTLY, maxCatchUp: 7 }, { 'if-match': `"1", ${tag}` })).status).toBe(200)
    const stale = { 'if-match': tag }
    ;(await put(id, NIGHTLY, stale)).problem(412, 'precondition_failed')
    ;(await api.post(`${path(id)}/pause`, undefined, stale)).problem(412, 'precondition_failed')
    ;(await api.post(`${path(id)}/resume`, undefined, stale)).problem(412, 'precondition_failed')
    ;(await api.send('DELETE', path(id), undefined, stale)).problem(412, 'precondition_failed')
    expect((await api.get(path(id))).body).toMatchObject({ maxCatchUp: 7, paused: false })
    const wrong = (await put(id, NIGHTLY, { 'if-match': 'abc' })).problem(400, 'validation_failed')
    expect(pathsOf(wrong)).toEqual(['/if-match'])
    expect((await api.send('DELETE', path(id), undefined, { 'if-match': '*' })).status).toBe(204)
  })

  it('is changed by one alone of many who read the same', async () => {
    const id = newId()
    const headers = { 'if-match': (await put(id)).headers.get('etag') as string }
    const all = [1, 2, 3, 4, 5].map((maxCatchUp) => put(id, { ...NIGHTLY, maxCatchUp }, headers))
    const statuses = (await Promise.all(all)).map(({ status }) => status)
    expect(statuses.toSorted()).toEqual([200, 412, 412, 412, 412])
  })

  it('leaves in the audit how it was and is, without what its type keeps back', async () => {
    const id = newId()
    await put(id, { ...NIGHTLY, type: 'demo.secret', input: { password: 'hunter2' } })
    const [startAt, endAt, pausedUntil] = ['2027-01-01', '2190-01-01', '2180-01-01'].map(
      (day) => `${day}T00:00:00.000Z`,
    )
    const times = { startAt, endAt, paused: true, pausedUntil }
    const { body } = await put(id, { ...NIGHTLY, maxCatchUp: 8, ...times }, { 'x-reason': 'a test' })
    const { items } = (await api.get(`/v1/audit?target=${id}`)).body
    expect(items).toMatchObject([
      {
        action: 'schedule.put',
        outcome: 'ok',
        reason: 'a test',
        target: { kind: 'schedule', id, tenant: 'default' },
        before: { type: 'demo.secret', maxCatchUp: 100 },
        after: {
          type: 'demo.echo',
          maxCatchUp: 8,
          input: { hello: 'world' },
          lateAfterMs: body.lateAfterMs,
          ...times,
          createdAt: body.createdAt,
          updatedAt: body.updatedAt,
        },
      },
      { action: 'schedule.put', before: null, after: { type: 'demo.secret' } },
    ])
    expect(JSON.stringify(items)).not.toContain('hunter2')
    const [every, once] = [newId(), newId()]
    const rest = { ...NIGHTLY, cron: undefined }
    const made = await put(every, { ...rest, everyMs: 60_000 })
    await put(once, { ...rest, at: '2190-01-01T00:00:00Z' })
    const noted = async (of: string) => (await api.get(`/v1/audit?target=${of}`)).body.items[0].after
    expect(await noted(every)).toMatchObject({ everyMs: 60_000, anchor: made.body.createdAt })
    expect(await noted(once)).toMatchObject({ at: '2190-01-01T00:00:00.000Z' })
  })
})

describe('a pause', () => {
  it('says why and until when, takes away the next runs, and ends', async () => {
    const id = newId()
    const { body } = await put(id)
    const paused = await api.post(`${path(id)}/pause`, { reason: 'the mail server is down' })
    expect(paused.status).toBe(200)
    expect(paused.body).toMatchObject({ paused: true, pausedReason: 'the mail server is down', nextRuns: [] })
    expect(paused.body.revision).toBeGreaterThan(body.revision)
    expect(await projected(id)).toMatchObject({ current: { paused: true } })
    // The same again changes nothing.
    expect((await api.post(`${path(id)}/pause`, { reason: 'the mail server is down' })).body).toEqual(paused.body)
    const until = body.nextRuns[1]
    const short = await api.post(`${path(id)}/pause`, { until })
    expect(short.body).toMatchObject({ paused: true, pausedUntil: until })
    expect(short.body.nextRuns.slice(0, 4)).toEqual(body.nextRuns.slice(1))
    expect(short.body.pausedReason).toBeUndefined()
    const resumed = await api.post(`${path(id)}/resume`)
    expect(resumed.body).toMatchObject({ paused: false, nextRuns: body.nextRuns })
    expect((await api.post(`${path(id)}/resume`)).body).toEqual(resumed.body)
    ;(await api.post(`${path(id)}/pause`, { until: '2020-01-01T00:00:00Z' })).problem(400, 'validation_failed')
    ;(await api.post('/v1/schedules/nobody/pause')).problem(404, 'not_found')
  })

  it('with an end is over by itself', async () => {
    const id = newId()
    const pausedUntil = new Date(Date.now() + 300).toISOString()
    const { body } = await put(id, { ...NIGHTLY, paused: true, pausedUntil, pausedReason: 'a moment' })
    const now = await waitUntil(async () => {
      const read = (await api.get(path(id))).body
      return read.paused ? undefined : read
    })
    expect(now.revision).toBe(body.revision)
    expect(now).not.toHaveProperty('pausedUntil')
    expect(now).not.toHaveProperty('pausedReason')
  })

  it('of many goes by label or type', async () => {
    const label = `team:${newId()}`
    const labels = { team: label.slice(5) }
    const ids = [newId(), newId(), newId()]
    for (const id of ids) await put(id, { ...NIGHTLY, labels })
    await put(newId())
    await api.post(`${path(ids[0] as string)}/pause`, { reason: 'x' })
    const bulk = (verb: string, body: object) => api.post(`/v1/schedules/${verb}`, body)
    expect((await bulk('pause', { filter: { label, type: 'demo.sleep' } })).body).toEqual({ changed: 0 })
    expect((await bulk('pause', { filter: { label }, reason: 'x' })).body).toEqual({ changed: 2 })
    expect(await projected(ids[2] as string)).toMatchObject({ current: { paused: true, pausedReason: 'x' } })
    const list = async (query: string) => (await api.get(`/v1/schedules?label=${label}&${query}`)).body.items.length
    expect([await list('paused=true'), await list('paused=false')]).toEqual([3, 0])
    expect((await bulk('resume', { filter: { label } })).body).toEqual({ changed: 3 })
    expect([await list('paused=true'), await list('paused=false')]).toEqual([0, 3])
    for (const verb of ['pause', 'resume']) {
      for (const body of [{}, { filter: {} }]) (await bulk(verb, body)).problem(400, 'validation_failed')
    }
    expect((await bulk('pause', { all: true })).body.changed).toBeGreaterThan(3)
    await bulk('resume', { all: true })
  })
})

describe('the list of schedules', () => {
  it('is by id, page by page, and filtered', async () => {
    const labels = { list: newId() }
    const ids = ['l3', 'l1', 'l2']
    for (const id of ids) await put(id, { ...NIGHTLY, labels })
    const query = `/v1/schedules?label=list:${labels.list}`
    const first = (await api.get(`${query}&limit=2`)).body
    expect(first.items.map(({ id }: { id: string }) => id)).toEqual(['l1', 'l2'])
    const second = (await api.get(`${query}&limit=2&cursor=${first.nextCursor}`)).body
    expect([second.items.map(({ id }: { id: string }) => id), second.nextCursor]).toEqual([['l3'], null])
    ;(await api.get(`/v1/schedules?cursor=${first.nextCursor}`)).problem(400, 'validation_failed')
    expect((await api.get(`${query}&type=demo.sleep`)).body.items).toEqual([])
    expect((await api.get(`${query}&tenant=other`)).body.items).toEqual([])
    await api.send('PUT', `${path('l1')}?tenant=other`, { ...NIGHTLY, labels })
    const others = (await api.get(`${query}&tenant=other`)).body.items
    expect(others).toMatchObject([{ id: 'l1', tenant: 'other' }])
    expect((await api.get(query)).body.items).toHaveLength(4)
    ;(await api.get(`${path('l1')}?tenant=OTHER`)).problem(400, 'validation_failed')
  })
})

it('is changed even if Redis cannot be told, which a scheduler will do', async () => {
  const db = openDatabase({ url: databaseUrl })
  const redis = api.redis.duplicate()
  redis.disconnect()
  const warnings: object[] = []
  const store = new ScheduleStore({ db, redis, log: { warn: (fields: object) => void warnings.push(fields) } })
  const id = newId()
  const { body } = await put(id)
  const before = await store.delete({ tenant: 'default', id }, () => undefined)
  expect(before?.revision).toBe(body.revision)
  expect(warnings).toMatchObject([{ changes: 1 }])
  ;(await api.get(path(id))).problem(404, 'not_found')
  await db.destroy()
})

it('does what the examples of the OpenAPI document say, as they are written', async () => {
  const { paths, components } = (await api.get('/openapi.json')).body
  const id = newId()
  await put(id)
  const told: string[] = []
  for (const [template, methods] of Object.entries<Record<string, Example>>(paths)) {
    for (const [method, { tags, requestBody }] of Object.entries(methods)) {
      const schema = requestBody?.content['application/json']?.schema
      if (!tags.includes('schedules') || !schema) continue
      const name = schema.$ref?.split('/').at(-1) ?? ''
      const example = schema.example ?? components.schemas[name]?.example
      // A calendar has a name of its own.
      const at = template.replace('{id}', id).replace('{name}', 'holidays')
      const { status } = await api.send(method.toUpperCase(), at, example)
      told.push(`${method} ${template} ${example === undefined ? 'without an example' : status}`)
    }
  }
  expect(told.filter((line) => !/ 20[012]$/.test(line))).toEqual([])
  expect(told).toHaveLength(10)
})
