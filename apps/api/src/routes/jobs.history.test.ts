import { randomBytes, randomUUID } from 'node:crypto'
import { echo } from '@foliot/example-demo/jobs'
import { openDatabase, recordJobs } from '@foliot/history'
import { describeJob, type Job } from '@foliot/jobs'
import { announce, type ConsumerOptions } from '@foliot/queue'
import { startPostgres, testDatabaseUrl, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { startRecorder, untilRecorded } from '../fixtures/recorder.ts'
import { dead, runAsAsked } from '../fixtures/runs.ts'
import { openTestApi, type TestApi } from '../fixtures/test-api.ts'

const databaseUrl = await testDatabaseUrl()
const api = await openTestApi({ databaseUrl })
await startRecorder(api, databaseUrl)

/** A label that no job of another test has, and the filter for it. */
function ownLabel(): { labels: Record<string, string>; only: string } {
  const test = randomBytes(8).toString('hex')
  return { labels: { test }, only: `label=test:${test}` }
}

/** Runs what waits until all of these have ended. */
async function run(jobs: readonly Job[], how: ConsumerOptions['run'] = runAsAsked): Promise<void> {
  const consumer = await api.consume(how)
  for (const { id } of jobs) await api.get(`/v1/jobs/${id}/wait`)
  await consumer.stop(0)
}

/** Every page of a list, by its cursor. */
async function pages(query: string, of: TestApi = api): Promise<Job[][]> {
  const all: Job[][] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const answer = await of.get(`/v1/jobs?${query}${cursor && `&cursor=${cursor}`}`)
    expect([answer.status, answer.body.detail]).toEqual([200, undefined])
    all.push(answer.body.items)
    cursor = answer.body.nextCursor
  }
  return all
}

/** While it is held, nothing more is recorded. */
const lease = 'foliot-x:{demo}:recorder'
const holdRecorder = () => api.redis.set(lease, 'nobody', 'PX', 60_000)

const ids = (jobs: readonly Job[]): string[] => jobs.map(({ id }) => id)
const isGone = async (id: string): Promise<boolean> => (await api.redis.exists(`foliot:{demo}:${id}`)) === 0
const textOf = async (path: string): Promise<string> => (await fetch(api.url + path)).text()

describe('a job that the history has taken', () => {
  it('is found by its id alone, however else that could be written', async () => {
    const job = await api.echo()
    await run([job])
    await untilRecorded(api)
    const others = [
      job.id.toUpperCase(),
      job.id.replaceAll('-', ''),
      `{${job.id}}`,
      `${job.id} `,
      'x',
      '%00',
      job.id.slice(0, 8),
    ]
    for (const id of others) {
      const path = `/v1/jobs/${id.includes('%') ? id : encodeURIComponent(id)}`
      for (const tail of ['', '/logs', '/wait?timeoutMs=0']) (await api.get(path + tail)).problem(404, 'not_found')
      for (const tail of ['/cancel', '/retry', '/promote']) (await api.post(path + tail)).problem(404, 'not_found')
      ;(await api.send('DELETE', path)).problem(404, 'not_found')
    }
    expect((await api.get(`/v1/jobs/${job.id}`)).job(200).status).toBe('succeeded')
  })

  it('is answered as before it was taken, to the letter', async () => {
    await holdRecorder()
    const { labels, only } = ownLabel()
    const input = '{"b":1.0,"a":12345678901234567890,"1":"\\ud800"}'
    const body = `{"type":"demo.echo","input":${input},"labels":${JSON.stringify(labels)}}`
    const job = (await api.post('/v1/jobs', body)).job(202)
    await run([job])
    const before = await textOf(`/v1/jobs/${job.id}`)
    await api.redis.del(lease)
    await waitUntil(() => isGone(job.id))
    expect(await textOf(`/v1/jobs/${job.id}`)).toBe(before)
    expect(await textOf(`/v1/jobs?${only}`)).toBe(`{"items":[${before}],"nextCursor":null}`)
    expect((await api.get(`/v1/jobs/${job.id}/wait?timeoutMs=60000`)).job(200)).toEqual(JSON.parse(before))
  })

  it('is whole for a repeated request', async () => {
    const body = { type: 'demo.echo', input: { a: 1 }, idempotencyKey: 'once' }
    const job = (await api.post('/v1/jobs', body)).job(202)
    await run([job])
    await waitUntil(() => isGone(job.id))
    const whole = (await api.get(`/v1/jobs/${job.id}`)).job(200)
    expect((await api.post('/v1/jobs', body)).job(200)).toEqual(whole)
    const batch = await api.post('/v1/jobs/batch', { jobs: [body, { ...body, idempotencyKey: 'twice' }] })
    expect(batch.body.results).toMatchObject([{ status: 200, replayed: true, job: whole }, { status: 202 }])
  })

  it('keeps its log', async () => {
    const job = await api.echo()
    await run([job], async (attempt) => {
      for (const line of ['one', 'two\u0000']) attempt.log(line)
      await attempt.flushLog()
      return { kind: 'succeeded', output: '1' }
    })
    await waitUntil(() => isGone(job.id))
    expect((await api.get(`/v1/jobs/${job.id}/logs`)).body).toBe('one\ntwo\u0000\n')
  })

  it('cannot be moved', async () => {
    const job = await api.echo()
    await run([job])
    await waitUntil(() => isGone(job.id))
    for (const verb of ['cancel', 'retry', 'promote']) {
      const problem = (await api.post(`/v1/jobs/${job.id}/${verb}`)).problem(409, 'illegal_transition')
      expect(problem.detail).toContain('a job that is succeeded and in the history alone cannot be')
    }
  })

  it('is answered to those who have waited for it since before', async () => {
    const jobs = await Promise.all(Array.from({ length: 20 }, () => api.echo()))
    const answers = jobs.map(({ id }) => api.get(`/v1/jobs/${id}/wait?timeoutMs=60000`))
    await run(jobs)
    for (const answer of await Promise.all(answers)) expect(answer.job(200).status).toBe('succeeded')
  })
})

describe('a list of live and finished jobs', () => {
  it('has each job once, in one order, while jobs move from one place to the other', async () => {
    const { labels, only } = ownLabel()
    const items = Array.from({ length: 300 }, (_, i) => ({
      type: i % 10 === 3 ? 'demo.fail' : 'demo.echo',
      input: { times: i + 1 },
      labels,
    }))
    const { body } = await api.post('/v1/jobs/batch', { jobs: items })
    const made: string[] = body.results.map(({ job }: { job: Job }) => job.id)
    const consumer = await api.consume(runAsAsked, { concurrency: 2 })
    let seen: Job[] = []
    do {
      seen = (await pages(`${only}&limit=23`)).flat()
      expect(ids(seen)).toEqual(made.toReversed())
    } while (seen.some(({ status }) => status === 'queued' || status === 'running'))
    await consumer.stop(0)
    await untilRecorded(api)
    const all = (await pages(`${only}&limit=50`)).flat()
    expect(ids(all)).toEqual(made.toReversed())
    expect(all.filter(({ status }) => status === 'failed')).toHaveLength(30)
  })

  it('shows a dead letter that was redriven as it is now', async () => {
    const { labels, only } = ownLabel()
    const job = (await api.post('/v1/jobs', { type: 'demo.fail', input: { times: 1 }, labels })).job(202)
    await run([job])
    await untilRecorded(api)
    expect(ids((await pages(`${only}&status=failed`)).flat())).toEqual([job.id])
    await api.post(`/v1/jobs/${job.id}/retry`)
    expect((await pages(`${only}&status=failed`)).flat()).toEqual([])
    expect(ids((await pages(`${only}&status=queued`)).flat())).toEqual([job.id])
    expect((await pages(only)).flat()).toMatchObject([{ id: job.id, status: 'queued' }])
  })

  it('has what no history keeps while it is in Redis, to be deleted with the rest', async () => {
    const { labels, only } = ownLabel()
    const type = 'demo.unkept'
    await announce(api.redis, [{ ...describeJob(echo), name: type, history: 'none' }])
    const send = async (input: string) => (await api.post('/v1/jobs', { type, input, labels })).job(202)
    const [good, bad] = [await send('good'), await send('bad')]
    await run([good, bad], async ({ claim }) => (claim.input === 'bad' ? dead() : { kind: 'succeeded', output: '1' }))
    await untilRecorded(api)
    expect(ids((await pages(only)).flat())).toEqual([bad.id, good.id])
    expect(ids((await pages(`${only}&status=failed`)).flat())).toEqual([bad.id])
    const { body } = await api.post('/v1/jobs/delete', { label: `test:${labels.test}` })
    expect(body).toEqual({ matched: 2, deleted: 2, open: [], more: false })
    expect((await pages(only)).flat()).toEqual([])
  })

  it('is filtered alike in both places', async () => {
    const word = randomBytes(8).toString('hex')
    const send = async (input: object, team: string) =>
      (await api.post('/v1/jobs', { type: 'demo.fail', input: { times: 1, ...input }, labels: { team } })).job(202)
    const how: ConsumerOptions['run'] = async (attempt) => {
      const { message } = attempt.claim.input as { message?: string }
      return message === undefined
        ? { kind: 'succeeded', output: '1' }
        : dead(message, 'http', 'failed', `http-${word}`)
    }
    const past = await send({ message: `the ${word} is out` }, word)
    await run([past, await send({}, 'other')], how)
    await untilRecorded(api)
    await holdRecorder()
    const live = await send({ message: `a ${word} again` }, word)
    await run([live, await send({}, 'other')], how)
    const both = [live.id, past.id]
    for (const query of [
      `label=team:${word}`,
      `fingerprint=http-${word}`,
      `errorKind=http&fingerprint=http-${word}`,
      `q=${word}`,
      `q=${word.toUpperCase()}`,
      `type=demo.fail&label=team:${word}&status=failed&q=${word}&worker=w1`,
      `q=${word}&minDurationMs=0&maxDurationMs=60000&input.times=1`,
      `q=${word}&from=${past.createdAt}&status=failed,cancelled`,
    ]) {
      expect([query, ids((await pages(query)).flat())]).toEqual([query, both])
    }
    expect(ids((await pages(`input.message=the%20${word}%20is%20out`)).flat())).toEqual([past.id])
    for (const number of ['1', '1.0', '0x1', '1e0', '10e-1', '+1', '1.00000000000000000001']) {
      const of = (await pages(`label=team:${word}&input.times=${encodeURIComponent(number)}`)).flat()
      expect([number, of.length]).toEqual([number, ['0x1', '+1', '1.00000000000000000001'].includes(number) ? 0 : 2])
    }
    for (const no of ['worker=w2', 'minDurationMs=60000', 'q=nothing', 'input.times=2', 'type=demo.echo', 'q=%2E%2E']) {
      expect([no, (await pages(`label=team:${word}&${no}`)).flat()]).toEqual([no, []])
    }
    await api.redis.del(lease)
  })

  it('has the same words in both places', async () => {
    const word = randomBytes(8).toString('hex')
    const { labels, only } = ownLabel()
    const message = `demo.echo ${word}: https://shop.example/a-b?c=-12345, me@shop.example, 0x2A; 日本語`
    await holdRecorder()
    const job = (await api.post('/v1/jobs', { type: 'demo.fail', input: { times: 1 }, labels })).job(202)
    await run([job], async (attempt) => {
      attempt.log(`of ${word}.log`)
      await attempt.flushLog()
      return dead(message, 'http', 'failed', 'http-1')
    })
    const words = ['demo', 'echo', 'example', 'shop.example', 'a', '12345', 'me', '0x2a', '日本語', 'log', 'http']
    const found = () => Promise.all(words.map(async (q) => [q, (await pages(`${only}&q=${q}`)).flat().length]))
    const all = words.map((q) => [q, 1])
    expect(await found()).toEqual(all)
    await api.redis.del(lease)
    await untilRecorded(api)
    expect(await found()).toEqual(all)
  })

  it('knows a queue that is no more, and none that never was', async () => {
    const { labels, only } = ownLabel()
    const job = await api.echo(1, { labels })
    await run([job])
    await untilRecorded(api)
    await api.redis.zrem('foliot-x:{catalog}:queues', 'demo')
    await api.catalog.refresh()
    const found = (await pages(`${only}&queue=demo`)).flat()
    const errors = await api.get('/v1/errors?queue=demo&from=2090-01-01T00:00:00Z')
    for (const path of ['jobs', 'errors']) (await api.get(`/v1/${path}?queue=demos`)).problem(404, 'not_found')
    await api.redis.zadd('foliot-x:{catalog}:queues', Date.now(), 'demo')
    await api.catalog.refresh()
    expect(ids(found)).toEqual([job.id])
    expect(errors.body.items).toEqual([])
  })

  it.each([
    "q=') drop table foliot.jobs",
    "label=a:' or 1=1 --",
    "worker=w1' or '1'='1",
    "input.a'b=1",
    'input.a")]}=x',
    'input.times=1) or (1=1',
    'input.__proto__.x=1',
    "type=' union select 1",
    "fingerprint='; select pg_sleep(9)",
  ])('takes %j for a text like any other', async (query) => {
    expect((await pages(encodeURI(query).replaceAll(';', '%3B'))).flat()).toEqual([])
  })

  it.each([
    'input=1',
    'input.=1',
    'input..a=1',
    'input.a.=1',
    'input.a=1&input.a=2',
    'q=',
    'worker=',
    'inputs.a=1',
    'minDurationMs=2&maxDurationMs=1',
    'minDurationMs=-1',
    `input.${'a.'.repeat(17)}b=1`,
  ])('refuses %s', async (query) => {
    ;(await api.get(`/v1/jobs?${query}`)).problem(400, 'validation_failed')
  })
})

describe('groups of errors', () => {
  it('have a dead letter at once, and those that have left Redis', async () => {
    const fingerprint = `http-${randomBytes(8).toString('hex')}`
    const { id } = (await api.post('/v1/jobs', { type: 'demo.fail', input: { times: 1 } })).job(202)
    await run([{ id } as Job], async () => dead('no luck', 'http', 'failed', fingerprint))
    const job = (await api.get(`/v1/jobs/${id}`)).job(200)
    const group = async (query = '') => (await api.get(`/v1/errors?fingerprint=${fingerprint}${query}`)).body.items
    expect(await group()).toMatchObject([{ fingerprint, count: 1, sampleJobId: id }])
    await untilRecorded(api)
    expect(await group()).toMatchObject([{ fingerprint, count: 1, sampleJobId: id }])

    const at = (days: number) => new Date(Date.now() - days * 24 * 60 * 60 * 1000).toISOString()
    const db = openDatabase({ url: databaseUrl })
    const old = { ...job, id: randomUUID(), createdAt: at(20), startedAt: at(20), finishedAt: at(20) }
    await recordJobs(db, [{ job: old, inputText: '1', outputText: null, attempts: [], log: [] }])
    await db.destroy()
    expect(await group()).toMatchObject([{ fingerprint, count: 2, firstSeenAt: old.finishedAt, sampleJobId: id }])
    expect(await group(`&from=${at(6)}`)).toMatchObject([{ count: 1, sampleJobId: id }])
    expect(await group(`&to=${at(6)}`)).toMatchObject([{ count: 1, sampleJobId: old.id }])
    await api.post('/v1/dead-letters/discard', { filter: { id: [id] } })
    await waitUntil(async () => (await group(`&from=${at(6)}`)).length === 0)
  })
})

describe('with PostgreSQL away', () => {
  it('what is live is read and moved, and the history answers 503 with the reason', async () => {
    const server = await startPostgres()
    const alone = await openTestApi({ databaseUrl: server.url })
    await startRecorder(alone, server.url)
    const old = await alone.echo()
    const consumer = await alone.consume(runAsAsked)
    await waitUntil(async () => (await alone.redis.exists(`foliot:{demo}:${old.id}`)) === 0)
    await consumer.stop(0)
    await server.kill()
    const live = await alone.echo()
    expect((await alone.get(`/v1/jobs/${live.id}`)).job(200)).toEqual(live)
    expect(ids((await pages('status=queued,running,scheduled,retrying', alone)).flat())).toEqual([live.id])
    expect((await alone.post(`/v1/jobs/${live.id}/cancel`)).job(200).status).toBe('cancelled')
    const paths = [old.id, `${old.id}/logs`].map((path) => `/v1/jobs/${path}`)
    for (const path of [...paths, '/v1/jobs', '/v1/jobs?status=succeeded', '/v1/errors']) {
      const answer = await alone.get(path)
      expect(answer.problem(503, 'unavailable').detail).toMatch(
        /^the history cannot be read: PostgreSQL cannot be reached/,
      )
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    await startPostgres({ dir: server.dir, port: server.port })
    await waitUntil(async () => (await alone.get(`/v1/jobs/${old.id}`)).status === 200)
    await untilRecorded(alone)
    expect(ids((await pages('', alone)).flat())).toEqual([live.id, old.id])
  })

  it('a history that no recorder has made yet is told from one that is away', async () => {
    const bare = await openTestApi({ databaseUrl: await testDatabaseUrl() })
    expect((await bare.get('/v1/jobs')).problem(503, 'unavailable').detail).toContain(
      'the tables of this version are not there yet',
    )
  })
})
