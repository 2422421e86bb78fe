import { testDatabaseUrl } from '@foliot/testkit'
import { expect, it } from 'vitest'
import type { Answer } from '../fixtures/caller.ts'
import { startRecorder } from '../fixtures/recorder.ts'
import { ADMIN_KEY, everybody, newTenant, type Tenant } from '../fixtures/tenants.ts'
import { openTestApi } from '../fixtures/test-api.ts'

const databaseUrl = await testDatabaseUrl()
const api = await openTestApi({ databaseUrl, keys: ADMIN_KEY })
await startRecorder(api, databaseUrl)
const all = everybody(api)

const HOUR_MS = 3_600_000
const job = { type: 'demo.echo', input: 1 }

let tenants = 0

/** A tenant that nobody has used, with these limits. */
async function limited(limits: object): Promise<Tenant & { name: string }> {
  const name = `tenant-${++tenants}`
  const tenant = await newTenant(api, name)
  expect((await all.send('PUT', `/v1/tenants/${name}`, limits)).status).toBe(200)
  return { ...tenant, name }
}

const limitsIn = ({ headers }: Answer) => [headers.get('ratelimit-policy'), headers.get('ratelimit')]

it('a tenant enqueues as many jobs as its rate allows, is told what is left, and then when to come again', async () => {
  const tenant = await limited({ enqueueRate: { max: 3, perMs: HOUR_MS } })
  for (const left of [2, 1, 0]) {
    const answer = await tenant.post('/v1/jobs', job)
    expect(answer.status).toBe(202)
    expect(limitsIn(answer)).toEqual([
      '"enqueue";q=3;w=3600',
      expect.stringMatching(new RegExp(`^"enqueue";r=${left};t=\\d+$`)),
    ])
  }
  const refused = await tenant.post('/v1/jobs', job)
  expect(refused.problem(429, 'rate_limited').detail).toContain(tenant.name)
  expect(limitsIn(refused)[1]).toMatch(/^"enqueue";r=0;t=\d+$/)
  const wait = Number(refused.headers.get('retry-after'))
  expect(wait).toBeGreaterThan(0)
  expect(wait).toBeLessThanOrEqual(1200)
  expect((await tenant.get('/v1/jobs')).body.items).toHaveLength(3)
})

it('what is wrong with a job is told before it costs anything', async () => {
  const tenant = await limited({ enqueueRate: { max: 1, perMs: HOUR_MS } })
  ;(await tenant.post('/v1/jobs', { type: 'no.such', input: 1 })).problem(404, 'unknown_job_type')
  expect((await tenant.post('/v1/jobs', job)).status).toBe(202)
})

it('a batch gets in as far as there is room, in its order', async () => {
  const tenant = await limited({ enqueueRate: { max: 3, perMs: HOUR_MS } })
  const jobs = [job, { type: 'no.such', input: 1 }, job, job, job]
  const answer = await tenant.post('/v1/jobs/batch', { jobs })
  expect(answer.body.results.map(({ status }: { status: number }) => status)).toEqual([202, 404, 202, 202, 429])
  expect(answer.body.results.at(-1).error.code).toBe('rate_limited')
  expect(answer.headers.get('ratelimit')).toMatch(/^"enqueue";r=0;t=\d+$/)
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
})

it('any number at once get in as often as the rate allows, and no other tenant is slowed', async () => {
  const [busy, calm] = [await limited({ enqueueRate: { max: 20, perMs: HOUR_MS } }), await limited({})]
  const answers = await Promise.all(Array.from({ length: 100 }, () => busy.post('/v1/jobs', job)))
  expect(answers.filter(({ status }) => status === 202)).toHaveLength(20)
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(80)
  const other = await calm.post('/v1/jobs', job)
  expect([other.status, ...limitsIn(other)]).toEqual([202, null, null])
})

it('a tenant has no more open jobs in a queue than its quota, and more as soon as one has ended', async () => {
  const tenant = await limited({ maxDepth: 2 })
  const first = await tenant.post('/v1/jobs', { ...job, delayMs: HOUR_MS })
  expect(limitsIn(first)).toEqual(['"open-jobs";q=2', '"open-jobs";r=1'])
  await tenant.post('/v1/jobs', { ...job, delayMs: HOUR_MS })
  const refused = await tenant.post('/v1/jobs', job)
  expect(refused.problem(429, 'backpressure').detail).toContain(tenant.name)
  expect(refused.headers.get('retry-after')).not.toBeNull()
  expect(limitsIn(refused)[1]).toBe('"open-jobs";r=0')
  const batch = await tenant.post('/v1/jobs/batch', { jobs: [job] })
  expect(batch.body.results[0]).toMatchObject({ status: 429, error: { code: 'backpressure' } })
  await tenant.post(`/v1/jobs/${first.body.id}/cancel`)
  expect((await tenant.post('/v1/jobs', { ...job, delayMs: HOUR_MS })).status).toBe(202)
})

it('a job that is refused for its quota costs nothing of the rate', async () => {
  const tenant = await limited({ enqueueRate: { max: 3, perMs: HOUR_MS }, maxDepth: 1 })
  const first = await tenant.post('/v1/jobs', { ...job, delayMs: HOUR_MS })
  for (let i = 0; i < 5; i++) (await tenant.post('/v1/jobs', job)).problem(429, 'backpressure')
  await tenant.post('/v1/jobs/batch', { jobs: [job, job] })
  await tenant.post(`/v1/jobs/${first.body.id}/cancel`)
  const second = await tenant.post('/v1/jobs', job)
  expect([second.status, limitsIn(second)[1]]).toEqual([202, expect.stringMatching(/"enqueue";r=1;/)])
})

it('a tenant is not told how many jobs of all there are in a full queue', async () => {
  const tenant = await limited({})
  const now = (await all.get('/v1/queues/demo')).body.counts
  const limits = { maxDepth: now.queued + now.scheduled }
  await all.send('PATCH', '/v1/queues/demo', limits)
  const refused = await tenant.post('/v1/jobs', job)
  refused.problem(429, 'backpressure')
  const batch = await tenant.post('/v1/jobs/batch', { jobs: [job] })
  for (const { body } of [refused, batch]) expect(JSON.stringify(body)).not.toContain(String(limits.maxDepth))
  expect((await all.post('/v1/jobs', job)).problem(429, 'backpressure').detail).toContain(String(limits.maxDepth))
  await all.send('PATCH', '/v1/queues/demo', { maxDepth: null })
})

it('limits that are lifted hold no more', async () => {
  const tenant = await limited({ enqueueRate: { max: 1, perMs: HOUR_MS }, maxDepth: 1 })
  await tenant.post('/v1/jobs', { ...job, delayMs: HOUR_MS })
  expect((await tenant.post('/v1/jobs', job)).status).toBe(429)
  expect((await all.send('DELETE', `/v1/tenants/${tenant.name}`)).status).toBe(204)
  expect((await tenant.post('/v1/jobs', job)).status).toBe(202)
})
