import { randomBytes } from 'node:crypto'
import type { Job } from '@foliot/jobs'
import { startPostgres, testDatabaseUrl, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { startRecorder, untilRecorded } from '../fixtures/recorder.ts'
import { dead, runAsAsked } from '../fixtures/runs.ts'
import { openTestApi, type TestApi } from '../fixtures/test-api.ts'

async function withHistory(databaseUrl?: string): Promise<TestApi> {
  const url = databaseUrl ?? (await testDatabaseUrl())
  const api = await openTestApi({ databaseUrl: url })
  await startRecorder(api, url)
  return api
}

/** Every page of a list, by its cursor. */
async function pages(api: TestApi, query: string): Promise<Job[][]> {
  const all: Job[][] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const answer = await api.get(`/v1/jobs?${query}${cursor && `&cursor=${cursor}`}`)
    expect([answer.status, answer.body.detail]).toEqual([200, undefined])
    all.push(answer.body.items)
    cursor = answer.body.nextCursor
  }
  return all
}

const ids = (jobs: readonly Job[]): string[] => jobs.map(({ id }) => id)
const isGone = async (api: TestApi, id: string): Promise<boolean> =>
  (await api.redis.exists(`foliot:{demo}:${id}`)) === 0
const textOf = async (api: TestApi, path: string): Promise<string> => (await fetch(api.url + path)).text()

describe.concurrent('a job that the history has taken', () => {
  it('is answered as before it was taken, to the letter', async () => {
    const databaseUrl = await testDatabaseUrl()
    const api = await openTestApi({ databaseUrl })
    const body = '{"type":"demo.echo","input":{"b":1.0,"a":12345678901234567890,"1":"\\ud800"},"labels":{"team":"a"}}'
    const { id } = (await api.post('/v1/jobs', body)).job(202)
    const consumer = await api.consume(runAsAsked, { keepsFinished: () => true })
    await api.get(`/v1/jobs/${id}/wait`)
    await consumer.stop(0)
    const before = await textOf(api, `/v1/jobs/${id}`)
    await startRecorder(api, databaseUrl)
    await untilRecorded(api)
    expect(await isGone(api, id)).toBe(true)
    expect(await textOf(api, `/v1/jobs/${id}`)).toBe(before)
    expect(await textOf(api, '/v1/jobs?type=demo.echo')).toBe(`{"items":[${before}],"nextCursor":null}`)
    expect((await api.get(`/v1/jobs/${id}/wait?timeoutMs=60000`)).job(200)).toEqual(JSON.parse(before))
  })

  it('keeps its log', async () => {
    const api = await withHistory()
    const { id } = await api.echo()
    await api.consume(async (attempt) => {
      for (const line of ['one', 'two\u0000']) attempt.log(line)
      await attempt.flushLog()
      return { kind: 'succeeded', output: '1' }
    })
    await waitUntil(() => isGone(api, id))
    expect((await api.get(`/v1/jobs/${id}/logs`)).body).toBe('one\ntwo\u0000\n')
  })

  it.each(['cancel', 'retry', 'promote'])('cannot be moved: %s', async (verb) => {
    const api = await withHistory()
    const { id } = await api.echo()
    await api.consume(runAsAsked)
    await waitUntil(() => isGone(api, id))
    const problem = (await api.post(`/v1/jobs/${id}/${verb}`)).problem(409, 'illegal_transition')
    expect(problem.detail).toContain('a job that is succeeded and in the history alone cannot be')
  })

  it('answers who has waited for it since before', async () => {
    const api = await withHistory()
    const jobs = await Promise.all(Array.from({ length: 20 }, () => api.echo()))
    const answers = jobs.map(({ id }) => api.get(`/v1/jobs/${id}/wait?timeoutMs=60000`))
    await api.consume(runAsAsked)
    for (const answer of await Promise.all(answers)) expect(answer.job(200).status).toBe('succeeded')
  })
})

describe.concurrent('a list of live and finished jobs', () => {
  it('has each job once, in one order, while jobs move from one place to the other', async () => {
    const api = await withHistory()
    const items = Array.from({ length: 300 }, (_, i) => ({
      type: i % 10 === 3 ? 'demo.fail' : 'demo.echo',
      input: { times: i },
    }))
    const { body } = await api.post('/v1/jobs/batch', { jobs: items })
    const made: string[] = body.results.map(({ job }: { job: Job }) => job.id)
    await api.consume(runAsAsked, { concurrency: 2 })
    let seen: Job[] = []
    do {
      seen = (await pages(api, 'limit=23')).flat()
      expect(ids(seen)).toEqual(made.toReversed())
    } while (seen.some(({ status }) => status === 'queued' || status === 'running'))
    await untilRecorded(api)
    const all = (await pages(api, 'limit=50')).flat()
    expect(ids(all)).toEqual(made.toReversed())
    expect(all.filter(({ status }) => status === 'failed')).toHaveLength(30)
  })

  it('shows a dead letter that was redriven as it is now', async () => {
    const api = await withHistory()
    const { id } = (await api.post('/v1/jobs', { type: 'demo.fail', input: { times: 1 } })).job(202)
    const consumer = await api.consume(runAsAsked)
    await api.get(`/v1/jobs/${id}/wait`)
    await consumer.stop(0)
    await untilRecorded(api)
    expect(ids((await pages(api, 'status=failed')).flat())).toEqual([id])
    await api.post(`/v1/jobs/${id}/retry`)
    expect((await pages(api, 'status=failed')).flat()).toEqual([])
    expect(ids((await pages(api, 'status=queued')).flat())).toEqual([id])
    expect((await pages(api, '')).flat()).toMatchObject([{ id, status: 'queued' }])
  })

  it('is filtered alike in both places', async () => {
    const api = await withHistory()
    const word = randomBytes(8).toString('hex')
    const send = async (input: object, labels: object) =>
      (await api.post('/v1/jobs', { type: 'demo.fail', input: { times: 1, ...input }, labels })).job(202)
    const run: Parameters<TestApi['consume']>[0] = async (attempt) => {
      const { message } = attempt.claim.input as { message?: string }
      return message === undefined
        ? { kind: 'succeeded', output: '1' }
        : dead(message, 'http', 'failed', `http-${word}`)
    }
    const past = await send({ message: `the ${word} is out` }, { team: 'a' })
    await send({}, { team: 'b' })
    const consumer = await api.consume(run)
    await api.get(`/v1/jobs/${past.id}/wait`)
    await untilRecorded(api)
    await consumer.stop(0)
    // One that is in Redis alone.
    await api.redis.set('foliot-x:{demo}:recorder', 'nobody', 'PX', 60_000)
    const live = await send({ message: `a ${word} again` }, { team: 'a' })
    await send({}, { team: 'b' })
    const again = await api.consume(run)
    await api.get(`/v1/jobs/${live.id}/wait`)
    await again.stop(0)
    const both = [live.id, past.id]
    for (const query of [
      'label=team:a',
      'status=failed',
      'errorKind=http',
      `fingerprint=http-${word}`,
      `q=${word}`,
      `q=${word.toUpperCase()}`,
      `input.message=the%20${word}%20is%20out`,
      `type=demo.fail&label=team:a&status=failed&q=${word}&worker=w1`,
      'status=failed&minDurationMs=0&maxDurationMs=60000&input.times=1',
      `from=${past.createdAt}&status=failed,cancelled`,
    ]) {
      const expected = query.startsWith('input.message') ? [past.id] : both
      expect([query, ids((await pages(api, query)).flat())]).toEqual([query, expected])
    }
    for (const query of [
      'worker=w2',
      'minDurationMs=60000',
      'q=nothing',
      'input.times=2',
      'label=team:c',
      'q=%2E%2E',
    ]) {
      expect([query, (await pages(api, query)).flat()]).toEqual([query, []])
    }
  })

  it.each([
    "q=')%3B drop table foliot.jobs",
    "label=a:' or 1=1 --",
    "worker=w1' or '1'='1",
    "input.a'b=1",
    'input.a")]}=x',
    'input.times=1) or (1=1',
    'input.__proto__.x=1',
    "type=' union select 1",
    'fingerprint=%27%3B select pg_sleep(9)',
  ])('takes %j for a text like any other', async (query) => {
    const api = await shared
    expect((await pages(api, encodeURI(query).replaceAll('%25', '%'))).flat()).toEqual([])
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
    ;(await (await shared).get(`/v1/jobs?${query}`)).problem(400, 'validation_failed')
  })
})

const shared = withHistory()

describe.concurrent('with PostgreSQL away', () => {
  it('what is live is read and moved, and the history answers 503 with the reason', async () => {
    const server = await startPostgres()
    const api = await withHistory(server.url)
    const old = await api.echo()
    const consumer = await api.consume(runAsAsked)
    await waitUntil(() => isGone(api, old.id))
    await consumer.stop(0)
    await server.kill()
    const live = await api.echo()
    expect((await api.get(`/v1/jobs/${live.id}`)).job(200)).toEqual(live)
    expect(ids((await pages(api, 'status=queued,running,scheduled,retrying')).flat())).toEqual([live.id])
    expect((await api.post(`/v1/jobs/${live.id}/cancel`)).job(200).status).toBe('cancelled')
    for (const path of [
      `/v1/jobs/${old.id}`,
      '/v1/jobs',
      '/v1/jobs?status=succeeded',
      '/v1/errors',
      `/v1/jobs/${old.id}/logs`,
    ]) {
      const answer = await api.get(path)
      expect(answer.problem(503, 'unavailable').detail).toMatch(
        /^the history cannot be read: PostgreSQL cannot be reached/,
      )
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    await startPostgres({ dir: server.dir, port: server.port })
    await waitUntil(async () => (await api.get(`/v1/jobs/${old.id}`)).status === 200)
    await untilRecorded(api)
    expect(ids((await pages(api, '')).flat())).toEqual([live.id, old.id])
  })

  it('a history that no recorder has made yet is told from one that is away', async () => {
    const api = await openTestApi({ databaseUrl: await testDatabaseUrl() })
    expect((await api.get('/v1/jobs')).problem(503, 'unavailable').detail).toContain('no tables yet')
  })
})
