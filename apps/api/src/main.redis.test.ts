import { demoJobs } from '@foliot/example-demo/jobs'
import { describeJob } from '@foliot/jobs'
import { announce, connectForLoops, defineScripts } from '@foliot/queue'
import { atEndOfFile, startApi, startRedis, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { newCaller } from './fixtures/caller.ts'
import { contractOf, type OpenApi } from './fixtures/contract.ts'

/** Far more than the second within which an answer is promised, for machines that are busy. */
const PATIENCE_MS = 5000

/** An api with a Redis of its own, and jobs in it. */
async function openBed() {
  const server = await startRedis()
  const redis = defineScripts(connectForLoops(server.url))
  redis.on('error', () => undefined)
  atEndOfFile(async () => redis.disconnect())
  await announce(
    redis,
    demoJobs.map((job) => describeJob(job)),
  )
  const app = await startApi({ FOLIOT_REDIS_URL: server.url })
  const document = (await (await fetch(`${app.url}/openapi.json`)).json()) as OpenApi
  const api = newCaller(app.url, contractOf(document), PATIENCE_MS)
  await waitUntil(async () => (await api.get('/readyz')).status === 200)
  const { body: job } = await api.post('/v1/jobs', { type: 'demo.echo', input: 1, delayMs: 3_600_000 })
  return { server, app, api, document, job }
}

type Bed = Awaited<ReturnType<typeof openBed>>

const SCHEDULE = { type: 'demo.echo', input: 1, everyMs: 60_000 }

const BODIES: Record<string, unknown> = {
  'POST /v1/jobs': { type: 'demo.echo', input: 1 },
  'POST /v1/jobs/batch': { jobs: [{ type: 'demo.echo', input: 1 }, {}] },
  'PATCH /v1/queues/{name}': { concurrency: 5, rateLimit: null },
  'POST /v1/dead-letters/redrive': { filter: {} },
  'POST /v1/dead-letters/discard': { filter: {} },
  'POST /v1/jobs/delete': { label: 'a:b' },
  'POST /v1/api-keys': { name: 'n', scopes: ['read'] },
  'PUT /v1/tenants/{name}': {},
  'POST /v1/schedules': SCHEDULE,
  'PUT /v1/schedules/{id}': SCHEDULE,
  'POST /v1/schedules/{id}/backfill': { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' },
  'POST /v1/schedules/pause': { filter: {}, all: true },
  'POST /v1/schedules/resume': { filter: {}, all: true },
  'POST /v1/schedules/preview': { everyMs: 60_000 },
  'POST /v1/calendars': { name: 'free' },
  'PUT /v1/calendars/{name}': {},
}

/** What these answer needs no Redis. */
const WITHOUT = ['/healthz', '/metrics', '/openapi.json', '/v1/schedules/preview']

/** What these store is all that a full Redis must refuse. */
const TAKING = ['POST /v1/jobs', 'POST /v1/jobs/batch']

/** How they are refused then. */
const FULL = [503, 'unavailable', 'Redis is full and refused this: nothing was stored']

/** What can be read even from a Redis that is full: whoever has to make room there needs to see what fills it. */
const SHOWING_JOBS = /^GET \/v1\/(jobs|dead-letters|errors)\b/

/** Calls that would take long, or for ever, as they end at once. */
const SHORT: Record<string, string> = { '/wait': '/wait?timeoutMs=0', '/v1/events': '/v1/events?queue=nowhere' }

/** Makes every call that there is, all at the same time. */
function everyCall({ api, document, job }: Bed, instead: Record<string, string> = {}) {
  return Promise.all(
    Object.entries(document.paths).flatMap(([pattern, methods]) =>
      Object.keys(methods).map(async (verb) => {
        const method = verb.toUpperCase()
        const whole = pattern.replace('{id}', job.id).replace('{name}', 'demo')
        const path = Object.entries(instead).reduce((text, [long, short]) => text.replace(long, short), whole)
        const answer = await api.send(method, path, BODIES[`${method} ${pattern}`])
        return { name: `${method} ${pattern}`, pattern, answer }
      }),
    ),
  )
}

async function expectRefusals(bed: Bed): Promise<void> {
  for (const { name, pattern, answer } of await everyCall(bed)) {
    const { status, headers, body } = answer
    if (WITHOUT.includes(pattern)) expect([name, status]).toEqual([name, 200])
    else {
      const retryAfter = Number(headers.get('retry-after'))
      expect([name, status, body.code, retryAfter]).toEqual([name, 503, 'unavailable', 1])
    }
  }
}

async function expectAllIsWell({ app, api, job }: Bed): Promise<void> {
  await waitUntil(async () => (await api.get('/readyz')).status === 200)
  expect((await api.get(`/v1/jobs/${job.id}`)).job(200)).toMatchObject({ id: job.id, input: 1 })
  ;(await api.post('/v1/jobs', BODIES['POST /v1/jobs'])).job(202)
  const { body } = await api.post('/v1/jobs/batch', BODIES['POST /v1/jobs/batch'])
  expect(body.results.map(({ status }: { status: number }) => status)).toEqual([202, 400])
  expect((await api.post('/v1/queues/demo/pause')).status).toBe(200)
  expect(app.lines.filter(({ json }) => json?.level === 'fatal' || /nobody foresaw/.test(String(json?.msg)))).toEqual(
    [],
  )
}

describe.concurrent('an api', () => {
  it('whose Redis was killed says so at once, and goes on when it is back', async () => {
    const bed = await openBed()
    const waiting = bed.api.get(`/v1/jobs/${bed.job.id}/wait?timeoutMs=60000`)
    await bed.server.kill()
    ;(await waiting).problem(503, 'unavailable')
    await expectRefusals(bed)
    // Twice, since the first refusals could leave something behind.
    await expectRefusals(bed)
    await startRedis({ dir: bed.server.dir, port: bed.server.port })
    await expectAllIsWell(bed)
  })

  it('whose Redis hangs says so in time, and goes on when it runs again', async () => {
    const bed = await openBed()
    const waiting = bed.api.get(`/v1/jobs/${bed.job.id}/wait?timeoutMs=60000`)
    process.kill(bed.server.pid, 'SIGSTOP')
    ;(await waiting).problem(503, 'unavailable')
    await expectRefusals(bed)
    process.kill(bed.server.pid, 'SIGCONT')
    await expectAllIsWell(bed)
  })

  it('whose Redis is full takes nothing, and goes on when there is room', async () => {
    const bed = await openBed()
    const redis = connectForLoops(bed.server.url)
    await redis.config('SET', 'maxmemory', '1')
    const told = await bed.app.waitForLine(({ json }) => /^Redis is full/.test(String(json?.msg)))
    expect(told.json).toMatchObject({
      level: 'error',
      msg: expect.stringMatching(/used_memory .+ 127\.0\.0\.1:\d+ refuses/),
    })
    for (const { name, answer } of await everyCall(bed, SHORT)) {
      const { status, body } = answer
      if (TAKING.includes(name)) expect([name, status, body.code, body.detail]).toEqual([name, ...FULL])
      // Whoever balances the load leaves the api in, for what can be read and discarded.
      else if (name === 'GET /readyz') expect(status).toBe(200)
      else if (SHOWING_JOBS.test(name)) expect([200, 202], name).toContain(status)
      // The rest needs room or does not, and one may come after the other: a job that was cancelled can be deleted.
      else expect([200, 202, 204, 404, 409, 503], name).toContain(status)
    }
    await redis.config('SET', 'maxmemory', '0')
    await expectAllIsWell(bed)
    await bed.app.waitForLine(({ json }) => /takes writes again/.test(String(json?.msg)))
    const news = bed.app.lines.map(({ json }) => String(json?.msg)).filter((msg) => msg.startsWith('Redis'))
    expect(news).toEqual([expect.stringContaining('Redis is full'), expect.stringContaining('takes writes again')])
    redis.disconnect()
  })

  it('whose Redis does not let it in any more says so, and goes on when it does', async () => {
    const bed = await openBed()
    const admin = connectForLoops(bed.server.url)
    await admin.ping()
    await admin.config('SET', 'requirepass', 'another')
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    const told = await bed.app.waitForLine(({ json }) => /not let the api in/.test(String(json?.msg)))
    expect(told.json).toMatchObject({ level: 'error', msg: expect.stringMatching(/FOLIOT_REDIS_URL .*NOAUTH/) })
    ;(await bed.api.get('/v1/jobs')).problem(503, 'unavailable')
    await admin.config('SET', 'requirepass', '')
    await expectAllIsWell(bed)
    admin.disconnect()
  })

  it('whose catalog cannot be read says why, once, and goes on', async () => {
    const { server, app, api } = await openBed()
    const redis = connectForLoops(server.url)
    await redis.rename('foliot-x:{catalog}:queues', 'put-aside')
    await redis.set('foliot-x:{catalog}:queues', 'no list of queues')
    await app.waitForLine(({ json }) => /^a look at Redis .* is tried again .*WRONGTYPE/.test(String(json?.msg)))
    await redis.rename('put-aside', 'foliot-x:{catalog}:queues')
    ;(await api.post('/v1/jobs', BODIES['POST /v1/jobs'])).job(202)
    expect(app.lines.filter(({ json }) => json?.level === 'error')).toHaveLength(1)
    expect(await app.stop()).toEqual({ code: 0, signal: null })
    redis.disconnect()
  })

  it('that is started without its Redis says so in one line, and where it looks for it', async () => {
    const server = await startRedis()
    await server.kill()
    const app = await startApi({ FOLIOT_REDIS_URL: server.url })
    expect(app.errorText).toBe('')
    expect(app.lines.filter(({ json }) => json?.level === 'error').map(({ json }) => json?.msg)).toEqual([
      expect.stringContaining(`Redis at 127.0.0.1:${server.port} does not answer; requests get 503 until it does`),
    ])
    expect(app.lines.filter(({ json }) => json === undefined)).toEqual([])
  })
})
