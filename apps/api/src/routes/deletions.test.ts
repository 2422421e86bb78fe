import type { Job } from '@foliot/jobs'
import { askPostgres, testDatabaseUrl, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { startRecorder, untilRecorded } from '../fixtures/recorder.ts'
import { dead, runAsAsked } from '../fixtures/runs.ts'
import { openTestApi } from '../fixtures/test-api.ts'

const databaseUrl = await testDatabaseUrl()
const api = await openTestApi({ databaseUrl })
await startRecorder(api, databaseUrl)

const LATER = { delayMs: 3_600_000 }
let people = 0

const newLabels = () => ({ person: `p${++people}` })

const ask = (labels: { person: string }, more: object = {}) =>
  api.post('/v1/jobs/delete', { label: `person:${labels.person}`, ...more })

/** One that succeeded and one that died, both with a log. */
async function ended(labels: Record<string, string>): Promise<Job[]> {
  const jobs = [await api.echo('fine', { labels }), await api.echo('die', { labels })]
  const consumer = await api.consume(async (attempt) => {
    attempt.log('a personal line')
    await attempt.flushLog()
    return attempt.claim.input === 'die' ? dead() : runAsAsked(attempt)
  })
  for (const { id } of jobs) (await api.get(`/v1/jobs/${id}/wait`)).job(200)
  await consumer.stop(0)
  return jobs
}

async function expectGone({ id }: Job): Promise<void> {
  for (const path of ['', '/logs', '/wait?timeoutMs=0']) {
    ;(await api.get(`/v1/jobs/${id}${path}`)).problem(404, 'not_found')
  }
  expect(await api.redis.keys(`foliot:*${id}*`)).toEqual([])
}

describe('DELETE /v1/jobs/{id}', () => {
  it('leaves nothing of a job, wherever it is: in the history alone, as a dead letter, or fresh from its end', async () => {
    const recorded = await ended(newLabels())
    await untilRecorded(api)
    const fresh = await ended(newLabels())
    for (const job of [...recorded, ...fresh]) {
      expect((await api.send('DELETE', `/v1/jobs/${job.id}`)).status).toBe(204)
      await expectGone(job)
      ;(await api.send('DELETE', `/v1/jobs/${job.id}`)).problem(404, 'not_found')
    }
    await untilRecorded(api)
    for (const job of fresh) await expectGone(job)
    expect((await api.get('/v1/dead-letters')).body.items).toEqual([])
  })

  it('refuses one that has not ended', async () => {
    const { id } = await api.echo(1, LATER)
    expect((await api.send('DELETE', `/v1/jobs/${id}`)).problem(409, 'illegal_transition').detail).toContain(
      'scheduled',
    )
    await api.post(`/v1/jobs/${id}/cancel`)
    expect((await api.send('DELETE', `/v1/jobs/${id}`)).status).toBe(204)
  })

  it('of one that turns out to go on leaves no trace: what becomes of it is recorded', async () => {
    const [, job] = (await ended(newLabels())) as [Job, Job]
    // As if it had been claimed after it was read.
    await api.redis.set(`foliot:{demo}:${job.id}:lock`, 'w9')
    const status = (await api.send('DELETE', `/v1/jobs/${job.id}`)).status
    await api.redis.del(`foliot:{demo}:${job.id}:lock`)
    expect(status).toBe(409)
    expect(await askPostgres(databaseUrl, `select from foliot.deletions where job_id = '${job.id}'`)).toEqual([])
    await untilRecorded(api)
    ;(await api.get(`/v1/jobs/${job.id}`)).job(200)
  })

  it('is told of in the audit', async () => {
    const [job] = (await ended(newLabels())) as [Job, Job]
    await api.send('DELETE', `/v1/jobs/${job.id}`, undefined, { 'x-reason': 'asked by the customer' })
    const { items } = (await api.get(`/v1/audit?target=${job.id}`)).body
    expect(items).toMatchObject([
      { action: 'job.delete', reason: 'asked by the customer', outcome: 'ok', before: { status: 'succeeded' } },
    ])
  })
})

it('an api that does not know the history deletes nothing', async () => {
  const { port, db } = api.redis.options
  const blind = await openTestApi({ redisUrl: `redis://127.0.0.1:${port}/${db}`, announced: false })
  const labels = newLabels()
  // A dead letter stays in Redis when it was recorded.
  const [, job] = (await ended(labels)) as [Job, Job]
  ;(await blind.send('DELETE', `/v1/jobs/${job.id}`)).problem(503, 'unavailable')
  const request = { label: `person:${labels.person}` }
  ;(await blind.post('/v1/jobs/delete', request)).problem(503, 'unavailable')
  expect((await api.get(`/v1/jobs/${job.id}`)).status).toBe(200)
})

describe('with a PostgreSQL that may only be read', () => {
  const readOnly = async (value: 'on' | 'off') => {
    const name = new URL(databaseUrl).pathname.slice(1)
    const change = `alter database ${name} set default_transaction_read_only = ${value}`
    await askPostgres(databaseUrl, `begin read write; ${change}; commit`)
    await askPostgres(
      databaseUrl,
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
    // Each connection of the pool finds out once that it is gone.
    await waitUntil(async () => (await api.get('/v1/jobs?status=succeeded')).status === 200)
  }

  it('nothing is deleted anywhere', async () => {
    const labels = newLabels()
    await api.redis.set('foliot-x:{demo}:recorder', 'nobody', 'PX', 60_000)
    const jobs = await ended(labels)
    await readOnly('on')
    try {
      const problem = (await api.send('DELETE', `/v1/jobs/${jobs[0]?.id}`)).problem(503, 'unavailable')
      expect(problem.detail).toBe('the history cannot be changed: PostgreSQL may only be read')
      ;(await ask(labels)).problem(503, 'unavailable')
      for (const { id } of jobs) (await api.get(`/v1/jobs/${id}`)).job(200)
    } finally {
      await readOnly('off')
    }
    await api.redis.del('foliot-x:{demo}:recorder')
    await untilRecorded(api)
    for (const { id } of jobs) (await api.get(`/v1/jobs/${id}`)).job(200)
    expect((await ask(labels)).body).toMatchObject({ deleted: 2 })
  })
})

describe('POST /v1/jobs/delete', () => {
  it('deletes all that bear a label, wherever they are, and tells which go on', async () => {
    const labels = newLabels()
    const jobs = await ended(labels)
    await untilRecorded(api)
    jobs.push(...(await ended(labels)))
    const open = await api.echo(1, { ...LATER, labels })
    const [other] = await ended(newLabels())
    const dry = (await ask(labels, { dryRun: true })).body
    expect(dry).toEqual({ matched: 4, deleted: 0, open: [open.id], more: false })
    expect((await ask(labels)).body).toEqual({ matched: 4, deleted: 4, open: [open.id], more: false })
    for (const job of jobs) await expectGone(job)
    expect((await api.get(`/v1/jobs?label=person:${labels.person}`)).body.items).toMatchObject([{ id: open.id }])
    expect((await api.get(`/v1/jobs/${other?.id}`)).status).toBe(200)
    expect((await ask(labels)).body).toMatchObject({ matched: 0, deleted: 0, open: [open.id] })
  })

  it('finds jobs of a queue that is no more, and goes on behind jobs that have not ended', async () => {
    const labels = newLabels()
    await ended(labels)
    await untilRecorded(api)
    const open = await api.echo(1, { ...LATER, labels })
    await api.redis.zrem('foliot-x:{catalog}:queues', 'demo')
    await api.catalog.refresh()
    expect((await ask(labels)).body).toEqual({ matched: 2, deleted: 2, open: [], more: false })
    await api.redis.zadd('foliot-x:{catalog}:queues', Date.now(), 'demo')
    await api.catalog.refresh()
    expect((await ask(labels)).body).toEqual({ matched: 0, deleted: 0, open: [open.id], more: false })
  })

  it('deletes those too that end while it looks for others', async () => {
    const labels = newLabels()
    await untilRecorded(api)
    const job = await api.echo('fine', { labels })
    const late = await api.echo(1, { ...LATER, labels })
    // Redis alone has it until the test ends.
    await api.redis.set('foliot-x:{demo}:recorder', 'nobody', 'PX', 60_000)
    // The history cannot be read meanwhile, so the request stands still after it has looked into Redis.
    const hold = 'lock table foliot.jobs in access exclusive mode; select pg_sleep(60)'
    const held = askPostgres(databaseUrl, hold).catch(() => undefined)
    const activity = async (condition: string) =>
      askPostgres(databaseUrl, `select pid from pg_stat_activity where datname = current_database() and ${condition}`)
    const holder = await waitUntil(async () => (await activity(`wait_event = 'PgSleep'`))[0])
    const answer = ask(labels)
    await waitUntil(async () => (await activity(`wait_event_type = 'Lock' and application_name = 'foliot'`)).length > 0)
    const consumer = await api.consume(runAsAsked)
    await waitUntil(async () => (await api.redis.hexists(`foliot:{demo}:${job.id}`, 'finishedOn')) === 1)
    await consumer.stop(0)
    await askPostgres(databaseUrl, `select pg_terminate_backend(${holder.pid})`)
    await held
    expect((await answer).body).toEqual({ matched: 1, deleted: 1, open: [late.id], more: false })
    await api.redis.del('foliot-x:{demo}:recorder')
    await expectGone(job)
    await untilRecorded(api)
    await expectGone(job)
  })

  it('watches all that go on, and tells a hundred of them', async () => {
    const labels = newLabels()
    const items = Array.from({ length: 250 }, () => ({ type: 'demo.echo', input: 1, labels, ...LATER }))
    await api.post('/v1/jobs/batch', { jobs: items })
    const { open, ...counts } = (await ask(labels)).body
    expect([counts, new Set(open).size]).toEqual([{ matched: 0, deleted: 0, more: false }, 100])
  })

  it('finds nothing to delete under a label that nobody has', async () => {
    expect((await ask({ person: "nobody' or true" })).body).toEqual({ matched: 0, deleted: 0, open: [], more: false })
  })

  it.each([{}, { label: 'person' }, { label: 5 }, { label: 'a:b', status: 'failed' }, { label: ['a:b'] }])(
    'refuses %j',
    async (body) => {
      ;(await api.post('/v1/jobs/delete', body)).problem(400, 'validation_failed')
    },
  )
})
