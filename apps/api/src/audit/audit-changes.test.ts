import { type AuditEntry, newJobId } from '@foliot/jobs'
import { startRedis } from '@foliot/testkit'
import { fastify } from 'fastify'
import { describe, expect, it } from 'vitest'
import { bearer, openAccessBed, ROOT } from '../fixtures/access-bed.ts'
import type { OpenApi } from '../fixtures/contract.ts'
import { runAsAsked } from '../fixtures/runs.ts'
import { openTestApi } from '../fixtures/test-api.ts'
import { auditChanges } from './audit-changes.ts'
import type { AuditLog } from './audit-log.ts'

// Long, because it has every route that may change something in one table: one that is not in it fails the last test.

const READER = 'the-secret-of-a-reader'
const api = await openAccessBed({ keys: `${ROOT},${READER}:read` })
const acme = await api.makeKey({ name: 'acme ops', tenant: 'acme' })

const NOBODY = newJobId(0)
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const REASON = 'naïve “reason” 😀'
const HEADERS = {
  ...bearer(ROOT),
  'x-reason': encodeURIComponent(REASON),
  'user-agent': 'test/1',
  'x-forwarded-for': '10.1.2.3',
  traceparent: `00-${TRACE}-b7ad6b7169203331-01`,
}

const newest = async (query = ''): Promise<AuditEntry> =>
  (await api.get(`/v1/audit?limit=1${query}`, bearer(ROOT))).body.items[0]

const scheduled = async () =>
  (await api.post('/v1/jobs', { type: 'demo.echo', input: 1, delayMs: 3_600_000 }, bearer(ROOT))).job(202)

const deadLetter = async () => {
  const consumer = await api.consume(runAsAsked)
  const job = (await api.post('/v1/jobs', { type: 'demo.fail', input: { times: 1 } }, bearer(ROOT))).job(202)
  ;(await api.get(`/v1/jobs/${job.id}/wait`, bearer(ROOT))).job(200)
  await consumer.stop(0)
  return job
}

/** An operation that goes on for some seconds. */
const operation = async () => {
  for (let i = 0; i < 5; i++) await deadLetter()
  const body = { filter: { type: 'demo.fail' }, ratePerSecond: 1 }
  const { body: begun } = await api.post('/v1/dead-letters/redrive', body, bearer(ROOT))
  return begun
}

interface Case {
  path: string
  body?: unknown
  status: number
  entry: object
}

const ofJob = (verb: string, before: string, after: string, make: () => Promise<{ id: string }>) => async () => {
  const { id } = await make()
  const target = { kind: 'job', id, tenant: 'default' }
  return {
    path: `/v1/jobs/${id}/${verb}`,
    status: 200,
    entry: { action: `job.${verb}`, target, asked: null, before: { status: before }, after: { status: after } },
  }
}

const ofDeadLetters = (verb: string, asked: object) => async () => ({
  path: `/v1/dead-letters/${verb}`,
  body: asked,
  status: 202,
  entry: {
    action: `dead_letters.${verb}`,
    target: { kind: 'dead_letters', id: expect.stringMatching(/^[0-9a-f-]{36}$/), tenant: null },
    asked: expect.objectContaining(asked),
    before: null,
    after: { state: expect.any(String) },
  },
})

const ofQueue = (verb: string, before: boolean, after: boolean) => async () => ({
  path: `/v1/queues/demo/${verb}`,
  status: 200,
  entry: {
    action: `queue.${verb}`,
    target: { kind: 'queue', id: 'demo', tenant: null },
    before: { paused: before },
    after: { paused: after },
  },
})

const SCHEDULE = { type: 'demo.echo', input: 1, cron: '0 9 * * *' }
const CALENDAR = { dates: ['12-25'] }
let names = 0

const schedule = async (more: object = {}): Promise<string> => {
  const id = `s${++names}`
  await api.as(ROOT, 'PUT', `/v1/schedules/${id}`, { ...SCHEDULE, ...more })
  return id
}

const ofSchedule =
  (verb: string, body: object | undefined, status: number, more: object, was = {}) =>
  async () => {
    const id = await schedule(was)
    const target = { kind: 'schedule', id, tenant: 'default' }
    const entry = { action: `schedule.${verb}`, target, asked: body ?? null, ...more }
    return { path: `/v1/schedules/${id}/${verb}`, body, status, entry }
  }

const ofSchedules = (verb: string, paused: boolean) => async () => {
  const id = await schedule({ paused, labels: { turned: verb } })
  const body = { filter: { label: `turned:${verb}` } }
  const target = { kind: 'schedules', id: null, tenant: null }
  const entry = { action: `schedules.${verb}`, target, asked: body, after: { changed: 1, sample: [id] } }
  return { path: `/v1/schedules/${verb}`, body, status: 200, entry }
}

const PAST = { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z', dryRun: true }

/** A change by each route. */
const CHANGES: Record<string, () => Promise<Case>> = {
  'POST /v1/jobs/{id}/cancel': ofJob('cancel', 'scheduled', 'cancelled', scheduled),
  'POST /v1/jobs/{id}/promote': ofJob('promote', 'scheduled', 'queued', scheduled),
  'POST /v1/jobs/{id}/retry': ofJob('retry', 'failed', 'queued', deadLetter),
  'POST /v1/dead-letters/redrive': ofDeadLetters('redrive', { filter: { type: 'demo.echo' }, dryRun: true }),
  'POST /v1/dead-letters/discard': ofDeadLetters('discard', { filter: { label: 'a:\u0000', type: 'demo.echo' } }),
  'DELETE /v1/jobs/{id}': async () => {
    const { id } = await deadLetter()
    const target = { kind: 'job', id, tenant: 'default' }
    return {
      path: `/v1/jobs/${id}`,
      status: 204,
      entry: { action: 'job.delete', target, before: { status: 'failed' } },
    }
  },
  'POST /v1/jobs/delete': async () => ({
    path: '/v1/jobs/delete',
    body: { label: 'person:42' },
    status: 200,
    entry: {
      action: 'job.delete_labelled',
      target: { kind: 'jobs', id: null, tenant: null },
      asked: expect.objectContaining({ label: 'person:42' }),
      after: { deleted: 0, open: 0 },
    },
  }),
  'POST /v1/operations/{id}/pause': async () => {
    const { id } = await operation()
    const target = { kind: 'operation', id, tenant: null }
    const entry = { action: 'operation.pause', target, before: { state: 'running' }, after: { state: 'paused' } }
    return { path: `/v1/operations/${id}/pause`, status: 200, entry }
  },
  'POST /v1/operations/{id}/resume': async () => {
    const { id } = await operation()
    await api.post(`/v1/operations/${id}/pause`, undefined, bearer(ROOT))
    const target = { kind: 'operation', id, tenant: null }
    const entry = { action: 'operation.resume', target, before: { state: 'paused' }, after: { state: 'running' } }
    return { path: `/v1/operations/${id}/resume`, status: 200, entry }
  },
  'PATCH /v1/queues/{name}': async () => ({
    path: '/v1/queues/demo',
    body: { limits: { concurrency: 7 } },
    status: 200,
    entry: {
      action: 'queue.limit',
      target: { kind: 'queue', id: 'demo', tenant: null },
      asked: { limits: { concurrency: 7 } },
      before: { concurrency: null, rateLimit: null, maxDepth: null },
      after: { concurrency: 7, rateLimit: null, maxDepth: null },
    },
  }),
  'POST /v1/queues/{name}/pause': ofQueue('pause', false, true),
  'POST /v1/queues/{name}/resume': ofQueue('resume', true, false),
  'POST /v1/schedules': async () => {
    const id = `s${++names}`
    const target = { kind: 'schedule', id, tenant: 'acme' }
    const entry = {
      action: 'schedule.create',
      target,
      asked: { tenant: 'acme' },
      after: expect.objectContaining(SCHEDULE),
    }
    return { path: '/v1/schedules?tenant=acme', body: { ...SCHEDULE, id }, status: 201, entry }
  },
  'PUT /v1/schedules/{id}': async () => {
    const id = await schedule()
    const target = { kind: 'schedule', id, tenant: 'default' }
    const [before, after] = [
      expect.objectContaining({ cron: '0 9 * * *' }),
      expect.objectContaining({ cron: '0 8 * * *' }),
    ]
    const entry = { action: 'schedule.put', target, asked: null, before, after }
    return { path: `/v1/schedules/${id}`, body: { ...SCHEDULE, cron: '0 8 * * *' }, status: 200, entry }
  },
  'DELETE /v1/schedules/{id}': async () => {
    const id = await schedule()
    const target = { kind: 'schedule', id, tenant: 'default' }
    const entry = { action: 'schedule.delete', target, before: expect.objectContaining(SCHEDULE), after: null }
    return { path: `/v1/schedules/${id}`, status: 204, entry }
  },
  'POST /v1/schedules/{id}/pause': ofSchedule('pause', { reason: 'r' }, 200, {
    before: expect.objectContaining({ paused: false }),
    after: expect.objectContaining({ paused: true, pausedReason: 'r' }),
  }),
  'POST /v1/schedules/{id}/resume': ofSchedule(
    'resume',
    undefined,
    200,
    { before: expect.objectContaining({ paused: true }), after: expect.objectContaining({ paused: false }) },
    { paused: true },
  ),
  'POST /v1/schedules/{id}/trigger': ofSchedule('trigger', undefined, 202, { after: { jobId: expect.any(String) } }),
  'POST /v1/schedules/{id}/backfill': ofSchedule('backfill', PAST, 202, {
    asked: expect.objectContaining(PAST),
    after: { operation: expect.any(String) },
  }),
  'POST /v1/schedules/pause': ofSchedules('pause', false),
  'POST /v1/schedules/resume': ofSchedules('resume', true),
  'POST /v1/calendars': async () => {
    const target = { kind: 'calendar', id: 'made', tenant: 'default' }
    const entry = { action: 'calendar.create', target, after: expect.objectContaining(CALENDAR) }
    return { path: '/v1/calendars', body: { ...CALENDAR, name: 'made' }, status: 201, entry }
  },
  'PUT /v1/calendars/{name}': async () => {
    await api.as(ROOT, 'PUT', '/v1/calendars/put', CALENDAR)
    const target = { kind: 'calendar', id: 'put', tenant: 'default' }
    const [before, after] = [expect.objectContaining(CALENDAR), expect.objectContaining({ dates: [] })]
    const entry = { action: 'calendar.put', target, asked: null, before, after }
    return { path: '/v1/calendars/put', body: {}, status: 200, entry }
  },
  'DELETE /v1/calendars/{name}': async () => {
    await api.as(ROOT, 'PUT', '/v1/calendars/gone', CALENDAR)
    const target = { kind: 'calendar', id: 'gone', tenant: 'default' }
    const entry = { action: 'calendar.delete', target, before: expect.objectContaining(CALENDAR), after: null }
    return { path: '/v1/calendars/gone', status: 204, entry }
  },
  'POST /v1/api-keys': async () => ({
    path: '/v1/api-keys',
    body: { name: 'new', scopes: ['read'], tenant: 'acme' },
    status: 201,
    entry: {
      action: 'api_key.create',
      target: { kind: 'api_key', id: expect.stringMatching(/^[0-9a-f-]{36}$/), tenant: 'acme' },
      asked: { name: 'new', scopes: ['read'], tenant: 'acme' },
      after: expect.objectContaining({ name: 'new', scopes: ['read'], tenant: 'acme' }),
    },
  }),
  'DELETE /v1/api-keys/{id}': async () => {
    const { id } = await api.makeKey({ tenant: 'acme' })
    const target = { kind: 'api_key', id, tenant: 'acme' }
    const after = expect.objectContaining({ revokedAt: expect.any(String) })
    const before = { expiresAt: null, revokedAt: null }
    return { path: `/v1/api-keys/${id}`, status: 204, entry: { action: 'api_key.revoke', target, before, after } }
  },
  'POST /v1/api-keys/{id}/rotate': async () => {
    const { id } = await api.makeKey({ tenant: 'acme' })
    const target = { kind: 'api_key', id, tenant: 'acme' }
    return {
      path: `/v1/api-keys/${id}/rotate`,
      body: { overlapMs: 0 },
      status: 201,
      entry: {
        action: 'api_key.rotate',
        target,
        asked: { overlapMs: 0 },
        before: { expiresAt: null, revokedAt: null },
        after: expect.objectContaining({ id: expect.any(String) }),
      },
    }
  },
  'PUT /v1/tenants/{name}': async () => ({
    path: '/v1/tenants/acme',
    body: { maxDepth: 5 },
    status: 200,
    entry: {
      action: 'tenant.limit',
      target: { kind: 'tenant', id: 'acme', tenant: 'acme' },
      asked: expect.objectContaining({ maxDepth: 5 }),
      before: null,
      after: { maxDepth: 5 },
    },
  }),
  'DELETE /v1/tenants/{name}': async () => ({
    path: '/v1/tenants/acme',
    status: 204,
    entry: {
      action: 'tenant.delete',
      target: { kind: 'tenant', id: 'acme', tenant: 'acme' },
      before: { maxDepth: 5 },
      after: null,
    },
  }),
}

/** What changes nothing by hand. */
const UNAUDITED = ['POST /v1/schedules/preview', 'POST /v1/jobs', 'POST /v1/jobs/batch']

const { paths } = api.app.swagger() as unknown as OpenApi
const changing = Object.entries(paths).flatMap(([path, methods]) =>
  Object.keys(methods).flatMap((method) => (method === 'get' ? [] : [`${method.toUpperCase()} ${path}`])),
)

describe('every route that may change something', () => {
  it('has its change below', () => {
    expect(changing.toSorted()).toEqual([...Object.keys(CHANGES), ...UNAUDITED].toSorted())
  })

  it.each(Object.keys(CHANGES))('%s: tells who, what, why and how it was', async (name) => {
    const { path, body, status, entry } = await (CHANGES[name] as () => Promise<Case>)()
    const answer = await api.send(name.split(' ')[0] as string, path, body, HEADERS)
    expect([answer.status, answer.body?.detail]).toEqual([status, undefined])
    const told = await newest()
    expect(told).toMatchObject({
      actor: { id: expect.stringMatching(/^key-/), name: expect.stringMatching(/^key-/), tenant: null },
      ip: '127.0.0.1',
      forwardedFor: '10.1.2.3',
      userAgent: 'test/1',
      reason: REASON,
      traceId: TRACE,
      outcome: 'ok',
      status,
      code: null,
      at: expect.stringMatching(TIME),
      endedAt: expect.stringMatching(TIME),
      ...entry,
    })
  })

  it.each(Object.keys(CHANGES))('%s: tells of a key that may not', async (name) => {
    const [method = '', pattern = ''] = name.split(' ')
    const path = pattern.replace('{id}', NOBODY).replace('{name}', 'nowhere')
    const answer = await api.send(method, path, {}, { ...HEADERS, ...bearer(READER) })
    answer.problem(403, 'forbidden')
    const told = await newest()
    const refused = { outcome: 'refused', status: 403, code: 'forbidden', reason: REASON }
    expect(told).toMatchObject({ ...refused, asked: null, before: null })
    expect(told.target.kind).toMatch(/^\w+$/)
    expect(told.actor.name).not.toBe((await newest('&outcome=ok')).actor.name)
  })

  // With PUT nothing has to be there, and an empty body is no range.
  const excused = /^PUT |\/v1\/tenants\/|\/backfill$/
  const withParameter = Object.keys(CHANGES).filter((name) => name.includes('{') && !excused.test(name))
  it.each(withParameter)('%s: tells of what was not there', async (name) => {
    const [method = '', pattern = ''] = name.split(' ')
    const path = pattern.replace('{id}', NOBODY).replace('{name}', 'nowhere')
    ;(await api.send(method, path, method === 'PATCH' ? { maxDepth: 1 } : {}, HEADERS)).problem(404, 'not_found')
    expect(await newest()).toMatchObject({
      outcome: 'refused',
      status: 404,
      code: 'not_found',
      target: { id: pattern.includes('{id}') ? NOBODY : 'nowhere' },
    })
  })

  it.each(Object.keys(CHANGES))('%s: its header for a reason stands in the contract', (name) => {
    const [method = '', path = ''] = name.split(' ')
    const { parameters = [] } = (paths[path]?.[method.toLowerCase()] ?? {}) as { parameters?: { name: string }[] }
    expect(parameters.map((parameter) => parameter.name)).toContain('x-reason')
  })
})

describe('a change', () => {
  it('that is refused for how things are, is told with how they were', async () => {
    const { id } = await scheduled()
    await api.post(`/v1/jobs/${id}/cancel`, undefined, HEADERS)
    ;(await api.post(`/v1/jobs/${id}/cancel`, undefined, HEADERS)).problem(409, 'illegal_transition')
    expect(await newest()).toMatchObject({
      action: 'job.cancel',
      target: { id, tenant: 'default' },
      before: { status: 'cancelled' },
      after: null,
      outcome: 'refused',
      status: 409,
      code: 'illegal_transition',
    })
  })

  it.each([
    ['is too long', encodeURIComponent('😀'.repeat(501)), 'expected at most 500 characters, got 501'],
    ['has a line break', 'a%0Ab', 'expected no control characters, such as line breaks'],
    ['has a NUL', 'a%00b', 'expected no control characters, such as line breaks'],
    ['has a tab', 'a\tb', 'expected no control characters, such as line breaks'],
  ])('whose reason %s is not made, and is no entry', async (_, reason, message) => {
    const { id } = await scheduled()
    const last = await newest()
    const answer = await api.post(`/v1/jobs/${id}/cancel`, undefined, { ...bearer(ROOT), 'x-reason': reason })
    expect(answer.problem(400, 'validation_failed').errors).toEqual([{ path: '/x-reason', message }])
    expect((await api.get(`/v1/jobs/${id}`, bearer(ROOT))).job(200).status).toBe('scheduled')
    expect(await newest()).toEqual(last)
  })

  it.each([
    ['100% sure', '100% sure'],
    ['caf%C3%A9', 'café'],
    [Buffer.from('naïve').toString('latin1'), 'naïve'],
    [encodeURIComponent('😀'.repeat(500)), '😀'.repeat(500)],
    ['', null],
  ])('is made for the reason %j', async (sent, told) => {
    const { id } = await scheduled()
    ;(await api.post(`/v1/jobs/${id}/cancel`, undefined, { ...bearer(ROOT), 'x-reason': sent })).job(200)
    expect((await newest()).reason).toBe(told)
  })

  it('is no entry if it is no valid request, if nobody is known to ask, or if a job is enqueued', async () => {
    const last = await newest()
    await api.post('/v1/dead-letters/redrive', { colour: 'red' }, bearer(ROOT))
    await api.post(`/v1/jobs/${NOBODY}/cancel`, undefined, bearer('somebody-elses-secret'))
    await scheduled()
    expect(await newest()).toEqual(last)
  })

  it.each([
    ['of all tenants', {}, null, bearer(ROOT)],
    ['of one', { tenant: 'acme' }, 'acme', bearer(ROOT)],
    ['by a key of one', {}, 'acme', bearer(acme.key)],
  ])('of many dead letters %s belongs to whom they belong', async (_, filter, tenant, headers) => {
    const redrive = { filter: { type: 'demo.echo', ...filter }, dryRun: true }
    const { id } = (await api.post('/v1/dead-letters/redrive', redrive, headers)).body
    ;(await api.post('/v1/dead-letters/discard', redrive, headers)).body
    for (const verb of ['pause', 'resume']) await api.post(`/v1/operations/${id}/${verb}`, undefined, headers)
    const { items } = (await api.get('/v1/audit?limit=4', bearer(ROOT))).body
    expect(items.map(({ target }: AuditEntry) => target.tenant)).toEqual([tenant, tenant, tenant, tenant])
    const seen = (await api.get('/v1/audit?limit=4', bearer(acme.key))).body.items
    expect(seen[0]?.id === items[0].id).toBe(tenant === 'acme')
  })

  it('tells no secret, neither of keys nor of jobs', async () => {
    const input = { password: 'secret-of-the-job' }
    const job = (await api.post('/v1/jobs', { type: 'demo.echo', input, delayMs: 60_000 }, bearer(ROOT))).job(202)
    const headers = { ...HEADERS, cookie: 'foliot_session=secret-cookie' }
    ;(await api.post(`/v1/jobs/${job.id}/cancel`, undefined, headers)).job(200)
    const { key } = await api.makeKey()
    const text = JSON.stringify((await api.get('/v1/audit?limit=200', bearer(ROOT))).body)
    for (const secret of [ROOT, READER, acme.key, key, 'secret-of-the-job', 'secret-cookie'])
      expect(text).not.toContain(secret)
  })

  it('that asks for more than an entry may hold is told in part', async () => {
    const id = Array.from({ length: 1000 }, () => NOBODY)
    await api.post('/v1/dead-letters/discard', { filter: { id } }, bearer(ROOT))
    expect((await newest()).asked).toEqual({ cut: expect.stringContaining(NOBODY), bytes: expect.any(Number) })
  })

  it('is not made if it cannot be written down', async () => {
    const server = await startRedis()
    const own = await openTestApi({ redisUrl: server.url })
    const job = await own.echo(1, { delayMs: 3_600_000 })
    await own.redis.set('foliot-x:{audit}:entries', 'no stream')
    const { detail } = (await own.post(`/v1/jobs/${job.id}/cancel`)).problem(503, 'unavailable')
    expect(detail).toMatch(/nothing was changed/)
    await own.redis.del('foliot-x:{audit}:entries')
    expect((await own.get(`/v1/jobs/${job.id}`)).job(200).status).toBe('scheduled')
    await own.redis.config('SET', 'min-replicas-to-write', '1')
    ;(await own.post(`/v1/jobs/${job.id}/cancel`)).problem(503, 'unavailable')
    await own.redis.config('SET', 'min-replicas-to-write', '0')
    expect((await own.get(`/v1/jobs/${job.id}`)).job(200).status).toBe('scheduled')
    expect((await own.get('/v1/audit')).body.items).toEqual([])
  })
})

describe('the board', () => {
  const board = (path: string, body?: unknown) =>
    fetch(`${api.url}/board/api/${path}`, {
      method: 'PUT',
      headers: { ...bearer(ROOT), ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })

  it.each([
    ['pause', { demo: { paused: false } }, { demo: { paused: true } }],
    ['resume', { demo: { paused: true } }, { demo: { paused: false } }],
  ])('tells who lets a queue %s', async (verb, before, after) => {
    expect((await board(`queues/demo/${verb}`)).status).toBe(200)
    const target = { kind: 'queue', id: 'demo', tenant: null }
    const entry = { action: `queue.${verb}`, target, before, after, reason: 'on the board', outcome: 'ok' }
    expect(await newest()).toMatchObject(entry)
  })

  it('tells who moves a job', async () => {
    const { id } = await scheduled()
    expect((await board(`queues/demo/${id}/promote`)).status).toBe(204)
    expect(await newest()).toMatchObject({
      action: 'job.promote',
      target: { kind: 'job', id, tenant: 'default' },
      before: { status: 'scheduled' },
      after: { status: 'queued' },
      status: 204,
    })
  })

  it('tells who redrives all dead letters', async () => {
    await deadLetter()
    expect((await board('queues/demo/retry/failed')).status).toBe(200)
    expect(await newest()).toMatchObject({
      action: 'dead_letters.redrive',
      asked: { filter: { queue: 'demo' } },
      after: { state: 'completed', moved: expect.any(Number) },
    })
  })

  it('tells who tried what it may not do', async () => {
    expect((await board('queues/demo/empty')).status).toBe(403)
    expect(await newest()).toMatchObject({
      action: 'board.refused',
      target: { kind: 'board', id: 'PUT /board/api/queues/demo/empty' },
      outcome: 'refused',
      code: 'forbidden',
    })
  })
})

describe('a server', () => {
  it('does not start with a route that may change something and says nothing of the audit', () => {
    const app = fastify()
    auditChanges(app, {} as AuditLog)
    expect(() => app.post('/v1/things', async () => ({}))).toThrow(
      /^route POST \/v1\/things may change something .* expected `config.audit`, like 'job.cancel'/,
    )
    expect(() => app.route({ method: ['GET', 'DELETE'], url: '/v1/things', handler: () => ({}) })).toThrow(/GET,DELETE/)
    app.get('/v1/things', async () => ({}))
    app.put('/v1/things', { config: { audit: false } }, async () => ({}))
  })
})
