import type { Job } from '@foliot/jobs'
import { beat, tellFindings } from '@foliot/queue'
import { startPostgres, testDatabaseUrl, waitUntil } from '@foliot/testkit'
import { beforeAll, describe, expect, it } from 'vitest'
import { startRecorder, untilRecorded } from './fixtures/recorder.ts'
import { dead, runAsAsked } from './fixtures/runs.ts'
import { ADMIN_KEY, everybody, newTenant, type Tenant } from './fixtures/tenants.ts'
import { openTestApi } from './fixtures/test-api.ts'

// A key of one tenant sees and touches nothing of another, at any route. Long, because it has every route in one table: one that
// is not in it fails a test.

const databaseUrl = await testDatabaseUrl()
const api = await openTestApi({ databaseUrl, keys: ADMIN_KEY })
await startRecorder(api, databaseUrl)
const all = everybody(api)
const [acme, globex] = await Promise.all([newTenant(api, 'acme'), newTenant(api, 'globex')])
const tenants: [string, Tenant][] = [
  ['acme', acme],
  ['globex', globex],
]

const LATER = { delayMs: 3_600_000 }
const CALENDAR = { dates: ['12-25'] }
const SCHEDULE = { type: 'demo.echo', input: 1, cron: '0 9 * * *' }
const UNKNOWN = '01900000-0000-7000-8000-000000000000'

/** Of each tenant: one job in each place where jobs are. */
interface Places {
  /** In the history alone. */
  recorded: Job
  dead: Job
  scheduled: Job
  running: Job
  /** Of the dead letter, that moved nothing. */
  operation: string
}
const places: Record<string, Places> = {}

const enqueue = async (tenant: Tenant, input: unknown, more: object = {}): Promise<Job> =>
  (await tenant.post('/v1/jobs', { type: 'demo.echo', input, ...more })).job(202)

beforeAll(async () => {
  for (const [name, tenant] of tenants) {
    const labels = { of: name }
    const [recorded, deadLetter] = [
      await enqueue(tenant, 'done', { labels }),
      await enqueue(tenant, 'die', { labels, attempts: 1 }),
    ]
    const consumer = await api.consume(async (attempt) => {
      attempt.log(`a line of ${name}`)
      await attempt.flushLog()
      return attempt.claim.input === 'die'
        ? dead(`${name} broke`, 'error', 'failed', `error-${name}`)
        : runAsAsked(attempt)
    })
    for (const { id } of [recorded, deadLetter]) (await tenant.get(`/v1/jobs/${id}/wait`)).job(200)
    await consumer.stop(0)
    const scheduled = await enqueue(tenant, 1, { ...LATER, labels })
    const begun = await tenant.post('/v1/dead-letters/redrive', { filter: {}, dryRun: true })
    places[name] = { recorded, dead: deadLetter, scheduled, running: scheduled, operation: begun.body.id }
    await tenant.send('PUT', `/v1/calendars/of-${name}`, CALENDAR)
    await tenant.send('PUT', `/v1/schedules/of-${name}`, {
      ...SCHEDULE,
      calendars: [`of-${name}`],
      labels: { team: name },
    })
  }
  await untilRecorded(api)
  await api.consume(runAsAsked)
  for (const [name, tenant] of tenants) {
    const { id } = await enqueue(tenant, { ms: 60_000 }, { type: 'demo.sleep', labels: { of: name } })
    const running = await waitUntil(async () => {
      const { body } = await tenant.get(`/v1/jobs/${id}`)
      return body.status === 'running' ? (body as Job) : undefined
    })
    places[name] = { ...(places[name] as Places), running }
  }
})

const foreign = () => places.acme as Places
const own = () => places.globex as Places
const jobsOf = ({ recorded, dead, scheduled, running }: Places) => [recorded, dead, scheduled, running]
const idsOf = (jobs: readonly Job[]) => jobs.map(({ id }) => id).sort()

/** What is told of a job of another tenant is to the letter what is told of one that there never was. */
async function expectNoSuch(
  ask: (id: string) => Promise<{ status: number; body: unknown }>,
  ids: readonly string[],
  unknown = UNKNOWN,
) {
  const none = await ask(unknown)
  expect(none.status).toBe(404)
  for (const id of ids) {
    const answer = await ask(id)
    expect(answer.status).toBe(404)
    expect(JSON.stringify(answer.body)).toBe(JSON.stringify(none.body).replaceAll(unknown, id))
  }
}

const noJob = (method: string, tail: string) => () =>
  expectNoSuch((id) => globex.send(method, `/v1/jobs/${id}${tail}`), idsOf(jobsOf(foreign())))

const noOperation = (method: string, tail: string) => () =>
  expectNoSuch((id) => globex.send(method, `/v1/operations/${id}${tail}`), [foreign().operation])

const noKey = (method: string, tail: string) => () =>
  expectNoSuch((id) => globex.send(method, `/v1/api-keys/${id}${tail}`), [acme.keyId])

const noTenant = (method: string, body?: unknown) => () =>
  expectNoSuch((name) => globex.send(method, `/v1/tenants/${name}`, body), ['acme'], 'no-such-tenant')

/** Nor by saying whose it is. */
const noSchedule = (method: string, tail: string, body?: unknown) => async () => {
  const ask = (id: string, query = '') => globex.send(method, `/v1/schedules/${id}${tail}${query}`, body)
  await expectNoSuch(ask, ['of-acme'], 'of-nobody')
  await expectNoSuch((id) => ask(id, '?tenant=acme'), ['of-acme'], 'of-nobody')
}

const noCalendar = (method: string) => async () => {
  const ask = (name: string, query = '') => globex.send(method, `/v1/calendars/${name}${query}`)
  await expectNoSuch(ask, ['of-acme'], 'of-nobody')
  await expectNoSuch((name) => ask(name, '?tenant=acme'), ['of-acme'], 'of-nobody')
}

/** What somebody makes is theirs, whatever others have of that name. */
const makesItsOwn = (path: string, body: object) => async () => {
  const before = (await acme.get(path)).body
  expect((await globex.send('PUT', path, body)).body.tenant).toBe('globex')
  ;(await globex.send('PUT', `${path}?tenant=acme`, body)).problem(404, 'not_found')
  expect((await globex.send('DELETE', path)).status).toBe(204)
  expect((await acme.get(path)).body).toEqual(before)
}

/** One that is paused or resumed in bulk is not of another tenant. */
const turnsNothingForeign = (verb: 'pause' | 'resume') => async () => {
  const before = (await acme.get('/v1/schedules/of-acme')).body
  for (const filter of [{ tenant: 'acme' }, { label: 'team:acme' }]) {
    expect((await globex.post(`/v1/schedules/${verb}`, { filter })).body).toEqual({ changed: 0 })
  }
  expect((await globex.post(`/v1/schedules/${verb}`, { all: true })).body).toEqual({ changed: 1 })
  expect((await acme.get('/v1/schedules/of-acme')).body).toEqual(before)
}

const listsItsOwn = (path: string, of: 'id' | 'name') => async () => {
  const { items } = (await globex.get(`${path}?limit=200`)).body
  expect(items).toMatchObject([{ [of]: 'of-globex', tenant: 'globex' }])
  expect((await globex.get(`${path}?tenant=acme`)).body).toEqual({ items: [], nextCursor: null })
}

const isForAllTenants = (method: string, path: string, body?: unknown) => async () => {
  ;(await globex.send(method, path, body)).problem(403, 'forbidden')
}

const findsNothingForeign = (path: string) => async () => {
  const { status, body } = await globex.get(path)
  expect(status).toBe(200)
  for (const { id } of jobsOf(foreign())) expect(JSON.stringify(body)).not.toContain(id)
}

/** Every operation of the contract, and what a key of one tenant gets there. */
const ROUTES: Record<string, () => Promise<void>> = {
  'POST /v1/jobs': async () => {
    const { id } = await enqueue(globex, 1, LATER)
    expect((await all.get(`/v1/jobs/${id}`)).body.tenant).toBe('globex')
    await globex.post(`/v1/jobs/${id}/cancel`)
  },
  'POST /v1/jobs/batch': async () => {
    const { body } = await globex.post('/v1/jobs/batch', { jobs: [{ type: 'demo.echo', input: 1, ...LATER }] })
    expect(body.results[0].job.tenant).toBe('globex')
    await globex.post(`/v1/jobs/${body.results[0].job.id}/cancel`)
  },
  'GET /v1/jobs': async () => {
    const seen = (await globex.get('/v1/jobs?label=of:globex')).body.items
    expect(idsOf(seen)).toEqual(idsOf(jobsOf(own())))
    for (const query of ['label=of:acme', 'tenant=acme', 'tenant=acme&status=scheduled', 'fingerprint=error-acme']) {
      expect([query, (await globex.get(`/v1/jobs?${query}`)).body]).toEqual([query, { items: [], nextCursor: null }])
    }
    await findsNothingForeign('/v1/jobs?limit=200')()
  },
  'GET /v1/jobs/{id}': noJob('GET', ''),
  'GET /v1/jobs/{id}/wait': noJob('GET', '/wait?timeoutMs=0'),
  'GET /v1/jobs/{id}/logs': async () => {
    await noJob('GET', '/logs')()
    await noJob('GET', '/logs?follow=true')()
    expect((await globex.get(`/v1/jobs/${own().recorded.id}/logs`)).body).toContain('a line of globex')
  },
  'DELETE /v1/jobs/{id}': noJob('DELETE', ''),
  'POST /v1/jobs/delete': async () => {
    for (const request of [{ label: 'of:acme' }, { label: 'of:acme', tenant: 'acme' }]) {
      expect((await globex.post('/v1/jobs/delete', request)).body).toMatchObject({ matched: 0, deleted: 0, open: [] })
    }
  },
  'POST /v1/jobs/{id}/cancel': noJob('POST', '/cancel'),
  'POST /v1/jobs/{id}/retry': noJob('POST', '/retry'),
  'POST /v1/jobs/{id}/promote': noJob('POST', '/promote'),
  'GET /v1/dead-letters': async () => {
    expect(idsOf((await globex.get('/v1/dead-letters')).body.items)).toEqual([own().dead.id])
    for (const query of [`id=${foreign().dead.id}`, 'tenant=acme', 'fingerprint=error-acme']) {
      expect((await globex.get(`/v1/dead-letters?${query}`)).body.items).toEqual([])
    }
  },
  'POST /v1/dead-letters/redrive': () => movesNothingForeign('redrive'),
  'POST /v1/dead-letters/discard': () => movesNothingForeign('discard'),
  'GET /v1/operations/{id}': noOperation('GET', ''),
  'POST /v1/operations/{id}/pause': noOperation('POST', '/pause'),
  'POST /v1/operations/{id}/resume': noOperation('POST', '/resume'),
  'GET /v1/schedules': async () => {
    await listsItsOwn('/v1/schedules', 'id')()
    expect((await globex.get('/v1/schedules?label=of:acme')).body.items).toEqual([])
  },
  'POST /v1/schedules': async () => {
    expect((await globex.post('/v1/schedules', { ...SCHEDULE, id: 'of-acme' })).body.tenant).toBe('globex')
    ;(await globex.post('/v1/schedules?tenant=acme', SCHEDULE)).problem(403, 'forbidden')
    await globex.send('DELETE', '/v1/schedules/of-acme')
  },
  'GET /v1/schedules/{id}': noSchedule('GET', ''),
  'PUT /v1/schedules/{id}': async () => {
    await makesItsOwn('/v1/schedules/of-acme', SCHEDULE)()
    // Calendars of another tenant are none.
    const request = { ...SCHEDULE, calendars: ['of-acme'] }
    ;(await globex.send('PUT', '/v1/schedules/more', request)).problem(400, 'validation_failed')
  },
  'DELETE /v1/schedules/{id}': noSchedule('DELETE', ''),
  'POST /v1/schedules/{id}/pause': noSchedule('POST', '/pause'),
  'POST /v1/schedules/{id}/resume': noSchedule('POST', '/resume'),
  'POST /v1/schedules/{id}/trigger': async () => {
    await noSchedule('POST', '/trigger')()
    const { id } = (await globex.post('/v1/schedules/of-globex/trigger')).job(202)
    const { tenant } = (await all.get(`/v1/jobs/${id}`)).body
    expect(tenant).toBe('globex')
    // A key of all tenants says whose schedule it means, and the job is that tenant's.
    const theirs = (await all.post('/v1/schedules/of-acme/trigger?tenant=acme')).job(202)
    expect(theirs.tenant).toBe('acme')
    ;(await all.post('/v1/schedules/of-acme/trigger')).problem(404, 'not_found')
  },
  'POST /v1/schedules/{id}/backfill': async () => {
    const range = { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z', dryRun: true }
    await noSchedule('POST', '/backfill', range)()
    const theirs = await acme.post('/v1/schedules/of-acme/backfill', range)
    await untilEnded(theirs.body.id)
    expect((await acme.get(`/v1/operations/${theirs.body.id}`)).body).toMatchObject({ kind: 'backfill', matched: 1 })
    ;(await globex.get(`/v1/operations/${theirs.body.id}`)).problem(404, 'not_found')
  },
  'GET /v1/schedules/{id}/ticks': async () => {
    await noSchedule('GET', '/ticks')()
    // Jobs of a schedule of the same name are none of its.
    await all.send('PUT', '/v1/schedules/of-acme?tenant=globex', SCHEDULE)
    expect((await globex.get('/v1/schedules/of-acme/ticks')).body.items).toEqual([])
    await globex.send('DELETE', '/v1/schedules/of-acme')
  },
  'POST /v1/schedules/pause': turnsNothingForeign('pause'),
  'POST /v1/schedules/resume': turnsNothingForeign('resume'),
  'POST /v1/schedules/preview': async () => {
    const preview = (name: string, query = '') =>
      globex.post(`/v1/schedules/preview${query}`, { cron: '@daily', calendars: [name] })
    expect((await preview('of-globex')).status).toBe(200)
    const foreign = (await preview('of-acme')).problem(400, 'validation_failed')
    const unknown = (await preview('of-nobody')).problem(400, 'validation_failed')
    expect(JSON.stringify(foreign)).toBe(JSON.stringify(unknown).replaceAll('of-nobody', 'of-acme'))
    ;(await preview('of-acme', '?tenant=acme')).problem(403, 'forbidden')
  },
  'GET /v1/calendars': listsItsOwn('/v1/calendars', 'name'),
  'POST /v1/calendars': async () => {
    expect((await globex.post('/v1/calendars', { ...CALENDAR, name: 'of-acme' })).body.tenant).toBe('globex')
    ;(await globex.post('/v1/calendars?tenant=acme', { ...CALENDAR, name: 'more' })).problem(403, 'forbidden')
    await globex.send('DELETE', '/v1/calendars/of-acme')
  },
  'GET /v1/calendars/{name}': noCalendar('GET'),
  'PUT /v1/calendars/{name}': makesItsOwn('/v1/calendars/of-acme', CALENDAR),
  'DELETE /v1/calendars/{name}': noCalendar('DELETE'),
  'GET /v1/errors': async () => {
    const { items } = (await globex.get('/v1/errors')).body
    expect(items).toMatchObject([{ fingerprint: 'error-globex', count: 1 }])
    expect((await globex.get('/v1/errors?tenant=acme')).body.items).toEqual([])
  },
  'GET /v1/events': async () => {
    const events = await globex.follow('/v1/events?event=scheduled,cancelled')
    const theirs = await enqueue(acme, 1, LATER)
    const mine = await enqueue(globex, 1, LATER)
    await acme.post(`/v1/jobs/${theirs.id}/cancel`)
    await globex.post(`/v1/jobs/${mine.id}/cancel`)
    const seen = await events.take(2)
    expect(seen.map(({ event, data }) => [event, JSON.parse(data).jobId])).toEqual([
      ['scheduled', mine.id],
      ['cancelled', mine.id],
    ])
    events.close()
    // What happened before it was opened, to jobs that may be in the history by now.
    const again = await globex.follow('/v1/events?event=queued', 'demo=0-0')
    const first = await again.next()
    expect(JSON.parse(first.data).jobId).toBe(own().recorded.id)
    again.close()
  },
  'GET /v1/queues': async () => {
    const { items } = (await globex.get('/v1/queues')).body
    expect(items).toMatchObject([{ name: 'demo', counts: { running: 1, scheduled: 1, failed: 1 } }])
  },
  'GET /v1/queues/{name}': async () => {
    const { counts } = (await globex.get('/v1/queues/demo')).body
    expect(counts).toMatchObject({ queued: 0, running: 1, scheduled: 1, failed: 1 })
    expect((await all.get('/v1/queues/demo')).body.counts).toMatchObject({ running: 2, scheduled: 2, failed: 2 })
  },
  'PATCH /v1/queues/{name}': isForAllTenants('PATCH', '/v1/queues/demo', { maxDepth: 1 }),
  'POST /v1/queues/{name}/pause': isForAllTenants('POST', '/v1/queues/demo/pause'),
  'POST /v1/queues/{name}/resume': isForAllTenants('POST', '/v1/queues/demo/resume'),
  'GET /v1/watch': async () => {
    const finding = { kind: 'next_in_past', since: 1, reason: 'nobody fired it' } as const
    const found = ['acme', 'globex'].map((tenant) => ({ ...finding, tenant, scheduleId: `of-${tenant}` }))
    await tellFindings(api.redis, { raised: found, recovered: [] })
    const { items } = (await globex.get('/v1/watch')).body
    // That there is no scheduler concerns all of them.
    const ofSchedules = items.filter(({ kind }: { kind: string }) => kind !== 'schedulers_silent')
    expect(ofSchedules).toMatchObject([{ tenant: 'globex', scheduleId: 'of-globex' }])
    expect((await globex.get('/v1/watch?tenant=acme')).body.items).toEqual([])
    await tellFindings(api.redis, { raised: [], recovered: found })
  },
  'GET /v1/workers': async () => {
    const running = [foreign().running.id, own().running.id]
    const now = new Date().toISOString()
    const about = { host: 'h', pid: 1, startedAt: now, heartbeatAt: now, concurrency: 10, types: [] }
    await beat(api.redis, { ...about, id: 'w1', queues: ['demo'], running, state: 'running' })
    expect((await globex.get('/v1/workers')).body.items).toMatchObject([{ id: 'w1', running: [own().running.id] }])
    expect((await all.get('/v1/workers')).body.items).toMatchObject([{ id: 'w1', running }])
  },
  'GET /metrics': isForAllTenants('GET', '/metrics'),
  'GET /v1/api-keys': async () => {
    expect((await globex.get('/v1/api-keys')).body.items).toMatchObject([{ id: globex.keyId }])
    expect((await globex.get('/v1/api-keys?tenant=acme')).body.items).toEqual([])
  },
  'POST /v1/api-keys': async () => {
    for (const tenant of ['acme', null]) {
      const request = { name: 'more', tenant, scopes: ['read'] }
      ;(await globex.post('/v1/api-keys', request)).problem(403, 'forbidden')
    }
    const { body } = await globex.post('/v1/api-keys', { name: 'more', scopes: ['read'] })
    expect(body.tenant).toBe('globex')
    await globex.send('DELETE', `/v1/api-keys/${body.id}`)
  },
  'GET /v1/api-keys/{id}': noKey('GET', ''),
  'DELETE /v1/api-keys/{id}': noKey('DELETE', ''),
  'POST /v1/api-keys/{id}/rotate': noKey('POST', '/rotate'),
  'GET /v1/audit': async () => {
    const { id } = await enqueue(acme, 1, LATER)
    await acme.post(`/v1/jobs/${id}/cancel`)
    expect((await acme.get(`/v1/audit?target=${id}`)).body.items).toMatchObject([{ action: 'job.cancel' }])
    expect((await globex.get(`/v1/audit?target=${id}`)).body.items).toEqual([])
    const { items } = (await globex.get('/v1/audit?limit=200')).body
    expect(items).not.toEqual([])
    for (const { actor, target } of items) expect([actor.tenant, target.tenant]).toContain('globex')
  },
  'GET /v1/tenants': async () => void (await globex.get('/v1/tenants')).problem(404, 'not_found'),
  'GET /v1/tenants/{name}': noTenant('GET'),
  'PUT /v1/tenants/{name}': noTenant('PUT', { maxDepth: 1 }),
  'DELETE /v1/tenants/{name}': noTenant('DELETE'),
  // Alike for everybody: they tell of no job.
  'GET /v1/job-types': findsNothingForeign('/v1/job-types'),
  'GET /openapi.json': findsNothingForeign('/openapi.json'),
  'GET /healthz': findsNothingForeign('/healthz'),
  'GET /readyz': findsNothingForeign('/readyz'),
}

const untilEnded = (operation: string) =>
  waitUntil(async () => (await all.get(`/v1/operations/${operation}`)).body.state === 'completed')

async function movesNothingForeign(kind: 'redrive' | 'discard'): Promise<void> {
  for (const filter of [{ id: foreign().dead.id }, { tenant: 'acme' }, { fingerprint: 'error-acme' }]) {
    const begun = await globex.post(`/v1/dead-letters/${kind}`, { filter })
    expect(begun.status).toBe(202)
    await untilEnded(begun.body.id)
    expect((await globex.get(`/v1/operations/${begun.body.id}`)).body).toMatchObject({
      matched: 0,
      moved: 0,
      sample: [],
    })
  }
  expect((await acme.get(`/v1/jobs/${foreign().dead.id}`)).body.status).toBe('failed')
}

describe('a key of one tenant', () => {
  it.each(Object.entries(ROUTES))('%s', async (_, check) => {
    await check()
  })

  it('was tried at every route there is', async () => {
    const { paths } = (await all.get('/openapi.json')).body as { paths: Record<string, object> }
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(Object.keys(ROUTES).toSorted()).toEqual(operations.toSorted())
  })

  it('does not show the board', async () => {
    const headers = { authorization: `Bearer ${globex.secret}` }
    for (const path of ['/board', '/board/api/queues']) {
      expect((await fetch(api.url + path, { headers })).status).toBe(403)
    }
  })

  it('has idempotency keys and dedupe keys of its own', async () => {
    const request = { type: 'demo.echo', input: 1, ...LATER, idempotencyKey: 'same', dedupe: { key: 'same' } }
    const [first, second] = [await acme.post('/v1/jobs', request), await globex.post('/v1/jobs', request)]
    expect([first.status, second.status]).toEqual([202, 202])
    expect(second.body.id).not.toBe(first.body.id)
    for (const [tenant, { body }] of [
      [acme, first],
      [globex, second],
    ] as const) {
      await tenant.post(`/v1/jobs/${body.id}/cancel`)
    }
  })
})

describe('a key of all tenants', () => {
  it('sees the jobs of all, and those of one by its filter', async () => {
    const list = async (query: string) => idsOf((await all.get(`/v1/jobs?${query}`)).body.items)
    expect(await list('tenant=acme&label=of:acme')).toEqual(idsOf(jobsOf(foreign())))
    expect(await list('tenant=globex&label=of:acme')).toEqual([])
    expect((await all.get('/v1/errors')).body.items).toHaveLength(2)
    expect((await all.get('/v1/errors?tenant=acme')).body.items).toMatchObject([{ fingerprint: 'error-acme' }])
  })

  it('can move the dead letters of one', async () => {
    const begun = await all.post('/v1/dead-letters/redrive', { filter: { tenant: 'acme' }, dryRun: true })
    await untilEnded(begun.body.id)
    expect((await all.get(`/v1/operations/${begun.body.id}`)).body).toMatchObject({
      matched: 1,
      sample: [foreign().dead.id],
    })
    // It is about their jobs alone.
    expect((await acme.get(`/v1/operations/${begun.body.id}`)).body.matched).toBe(1)
    ;(await globex.get(`/v1/operations/${begun.body.id}`)).problem(404, 'not_found')
  })
})

it('with PostgreSQL away, a job of another tenant is told of as one that there may be in the history', async () => {
  const server = await startPostgres()
  const alone = await openTestApi({ databaseUrl: server.url, keys: ADMIN_KEY })
  await startRecorder(alone, server.url)
  const [one, other] = await Promise.all([newTenant(alone, 'one'), newTenant(alone, 'other')])
  const { id } = await enqueue(one, 1, LATER)
  await server.kill()
  for (const tail of ['', '/logs', '/wait?timeoutMs=0']) {
    const [foreign, unknown] = [await other.get(`/v1/jobs/${id}${tail}`), await other.get(`/v1/jobs/${UNKNOWN}${tail}`)]
    expect([foreign.status, foreign.body]).toEqual([503, unknown.body])
  }
  expect((await one.get(`/v1/jobs/${id}`)).status).toBe(200)
})

it('a key counts at every api as soon as it was made at one', async () => {
  const { port, db } = api.redis.options
  const other = await openTestApi({ redisUrl: `redis://127.0.0.1:${port}/${db}`, databaseUrl, keys: ADMIN_KEY })
  for (const made of [await newTenant(api, 'acme'), await newTenant(api, 'acme')]) {
    const headers = { authorization: `Bearer ${made.secret}` }
    expect((await other.get('/v1/jobs?limit=1', headers)).status).toBe(200)
  }
})
