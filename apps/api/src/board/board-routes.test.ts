import { createBullBoard } from '@bull-board/api'
import { FastifyAdapter } from '@bull-board/fastify'
import type { Job, JobType } from '@foliot/jobs'
import { announce, connectForLoops, defineScripts, enqueue as storeJob } from '@foliot/queue'
import { atEndOfFile, startApi, startRedis, startWorker, testRedisUrl, waitUntil } from '@foliot/testkit'
import { fastify } from 'fastify'
import { describe, expect, it } from 'vitest'

const OPERATOR = 'the-secret-of-an-operator'
const READER = 'the-secret-of-a-reader'

const FOLIOT_REDIS_URL = await testRedisUrl()
const FOLIOT_API_KEYS = `${OPERATOR}:read+enqueue+operate,${READER}:read`
const [api] = await Promise.all([
  startApi({ FOLIOT_REDIS_URL, FOLIOT_API_KEYS }),
  startWorker({ FOLIOT_REDIS_URL, FOLIOT_JOBS: '@foliot/example-demo' }),
])
const redis = defineScripts(connectForLoops(FOLIOT_REDIS_URL))
atEndOfFile(async () => redis.disconnect())

interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: bodies of many shapes; each test says what it expects of its own
  body: any
}

async function call(method: string, path: string, body?: unknown, secret = OPERATOR): Promise<Answer> {
  const answer = await fetch(api.url + path, {
    method,
    headers: { authorization: `Bearer ${secret}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
}

const board = (method: string, path: string, body?: unknown, secret?: string): Promise<Answer> =>
  call(method, `/board/api/${path}`, body, secret)

async function queueOnBoard(name: string, status = 'latest', secret = OPERATOR) {
  const { body } = await board(
    'GET',
    `queues?activeQueue=${name}&status=${status}&page=1&jobsPerPage=10`,
    undefined,
    secret,
  )
  return body.queues.find((queue: { name: string }) => queue.name === name)
}

const enqueue = async (type: string, input: unknown, more: object = {}): Promise<Job> =>
  (await call('POST', '/v1/jobs', { type, input, ...more })).body

const ended = async ({ id }: Job): Promise<Job> => (await call('GET', `/v1/jobs/${id}/wait`)).body

/** A dead letter that succeeds once it is redriven. */
const deadLetter = async (): Promise<Job> =>
  ended(await enqueue('demo.fail', { times: 1, message: 'no luck', unrecoverable: true }))

const TYPE: JobType = {
  name: 'test.type',
  version: 1,
  queue: 'test',
  description: '',
  inputSchema: {},
  retry: { attempts: 3, kind: 'fixed', baseMs: 1000, factor: 1, maxMs: 1000, jitter: 'none' },
  timeoutMs: 60_000,
  priority: 0,
  redact: [],
}

/** Has the board know a queue that no worker takes jobs from. */
async function announceQueue(queue: string, redact: string[] = []): Promise<void> {
  await announce(redis, [{ ...TYPE, name: `${queue}.one`, queue, redact }])
  await waitUntil(() => queueOnBoard(queue), { what: `the board shows queue ${queue}` })
}

describe('the board', () => {
  it('shows which schedule made a job, and for when', async () => {
    await announceQueue('scheduled')
    const at = Date.UTC(2026, 0, 1)
    const origin = { id: 'nightly', scheduledFor: at, latenessMs: 3 }
    const job = { type: 'scheduled.one', queue: 'scheduled', version: 1, tenant: 'default', input: 1, inputText: '1' }
    const more = { maxAttempts: 1, priority: 0, labels: {}, traceparent: '', createdAt: Date.now(), schedule: origin }
    await storeJob(redis, { ...job, ...more })
    const [shown] = (await queueOnBoard('scheduled')).jobs
    expect(shown.name).toBe('scheduled.one (by nightly)')
    expect(shown.opts).toMatchObject({ scheduleId: 'nightly', scheduledFor: new Date(at).toISOString(), latenessMs: 3 })
  })

  it('shows every queue with its failed jobs, under their own names', async () => {
    const { id } = await deadLetter()
    const queue = await queueOnBoard('demo', 'failed')
    expect(queue.counts.failed).toBeGreaterThanOrEqual(1)
    expect(queue.hasWorkers).toBe(true)
    const shown = queue.jobs.find((job: { id: string }) => job.id === id)
    expect(shown).toMatchObject({
      name: 'demo.fail',
      isFailed: true,
      failedReason: 'UnrecoverableError: no luck',
      opts: { attempts: 3, status: 'failed' },
      data: { times: 1 },
    })
  })

  it('shows a queue as soon as a worker has announced it, without a restart', async () => {
    await announceQueue('latecomers')
    expect(await queueOnBoard('latecomers')).toMatchObject({ isPaused: false, jobs: [], hasWorkers: false })
  })

  it('does not show what the type keeps from boards', async () => {
    await announceQueue('secrets', ['password'])
    const { id } = await enqueue('secrets.one', { user: 'ada', password: 'hunter2' })
    const listed = await queueOnBoard('secrets', 'waiting')
    const { body } = await board('GET', `queues/secrets/${id}`)
    for (const job of [listed.jobs[0], body.job]) expect(job.data).toEqual({ user: 'ada', password: '[redacted]' })
    expect(JSON.stringify([listed, body])).not.toContain('hunter2')
  })

  it('changes no setting of a queue by being looked at', async () => {
    await redis.hset('foliot:{demo}:meta', 'opts.maxLenEvents', '77')
    const before = await redis.hgetall('foliot:{demo}:meta')
    const job = await deadLetter()
    await fetch(`${api.url}/board`, { headers: { authorization: `Bearer ${OPERATOR}` } })
    for (const path of [`queues/demo/${job.id}`, `queues/demo/${job.id}/logs`, 'queues/demo/workers', 'redis/stats']) {
      expect((await board('GET', path)).status, path).toBe(200)
    }
    await queueOnBoard('demo')
    expect(await redis.hgetall('foliot:{demo}:meta')).toEqual(before)
  })

  it('says that a job is not there, or a queue', async () => {
    const { id } = await enqueue('demo.echo', 1)
    expect(await board('GET', `queues/latecomers/${id}`)).toMatchObject({ status: 404, body: { code: 'not_found' } })
    expect((await board('PUT', 'queues/nowhere/pause')).status).toBe(404)
    expect((await board('PUT', 'queues/nowhere/retry/failed')).status).toBe(404)
  })
})

describe('with the scope operate', () => {
  it('a failed job is redriven: it has all its attempts again, and its timeline says who did it', async () => {
    const job = await deadLetter()
    expect((await board('PUT', `queues/demo/${job.id}/retry`)).status).toBe(204)
    const after = await ended(job)
    expect(after).toMatchObject({ status: 'succeeded', attempt: 2, attemptsUsed: 0 })
    expect(after.timeline).toContainEqual(
      expect.objectContaining({ event: 'redriven', detail: expect.stringMatching(/^by key-\w{8}: on the board$/) }),
    )
    const { json } = await api.waitForLine((line) => line.json?.jobId === job.id)
    expect(json).toMatchObject({
      level: 'info',
      action: 'redrive',
      queue: 'demo',
      caller: expect.stringMatching(/^key-/),
    })
  })

  it('all failed jobs of a queue are redriven', async () => {
    const jobs = await Promise.all([deadLetter(), deadLetter(), deadLetter()])
    const { status, body } = await board('PUT', 'queues/demo/retry/failed')
    expect(status).toBe(200)
    expect(body.retried).toBeGreaterThanOrEqual(3)
    expect(body.skipped).toBe(0)
    for (const job of jobs) expect(await ended(job)).toMatchObject({ status: 'succeeded' })
  })

  it('a delayed job is promoted', async () => {
    const job = await enqueue('demo.echo', 'now', { delayMs: 3_600_000 })
    expect((await queueOnBoard('demo', 'delayed')).jobs.map(({ id }: Job) => id)).toContain(job.id)
    expect((await board('PUT', `queues/demo/${job.id}/promote`)).status).toBe(204)
    expect(await ended(job)).toMatchObject({ status: 'succeeded', output: 'now' })
  })

  it('one queue or all are paused and resumed', async () => {
    const isPaused = async (queue: string) => (await call('GET', `/v1/queues/${queue}`)).body.paused
    await announceQueue('pausable')
    await board('PUT', 'queues/pausable/pause')
    expect([await isPaused('pausable'), await isPaused('demo')]).toEqual([true, false])
    await board('PUT', 'queues/pause')
    expect([await isPaused('pausable'), await isPaused('demo')]).toEqual([true, true])
    await board('PUT', 'queues/demo/resume')
    expect([await isPaused('pausable'), await isPaused('demo')]).toEqual([true, false])
    await board('PUT', 'queues/resume')
    expect([await isPaused('pausable'), await isPaused('demo')]).toEqual([false, false])
  })

  it.each<[string, () => Promise<Job>, string]>([
    ['cancelled', cancelled, 'demo.echo (cancelled)'],
    ['discarded', discarded, 'demo.fail (discarded)'],
    ['succeeded', () => enqueue('demo.echo', 1).then(ended), 'demo.echo'],
  ])('a job that was %s is not revived, nor does the board offer it', async (_status, make, name) => {
    const { id, status } = await make()
    const answer = await board('PUT', `queues/demo/${id}/retry`)
    expect(answer).toMatchObject({ status: 409, body: { code: 'illegal_transition' } })
    expect((await call('GET', `/v1/jobs/${id}`)).body.status).toBe(status)
    const { body } = await board('GET', `queues/demo/${id}`)
    expect(body).toMatchObject({ status: 'completed', job: { name, isFailed: false, opts: { status } } })
    expect((await queueOnBoard('demo')).allowCompletedRetries).toBe(false)
  })
})

async function cancelled(): Promise<Job> {
  const { id } = await enqueue('demo.echo', 'never', { delayMs: 3_600_000 })
  return (await call('POST', `/v1/jobs/${id}/cancel`)).body
}

async function discarded(): Promise<Job> {
  const job = await deadLetter()
  await call('POST', '/v1/dead-letters/discard', { filter: { id: job.id } })
  return waitUntil(async () => {
    const { body } = await call('GET', `/v1/jobs/${job.id}`)
    return body.discardedAt !== undefined && body
  })
}

/** Everything else by which the board would change something. `:id` is a job that waits. */
const REFUSED: [method: string, path: string, body?: unknown][] = [
  ['PUT', 'queues/still/obliterate', { force: true }],
  ['PUT', 'queues/still/empty'],
  ['PUT', 'queues/still/clean/waiting'],
  ['PUT', 'queues/still/clean/completed'],
  ['PUT', 'queues/still/promote'],
  ['PUT', 'queues/still/retry/completed'],
  ['PUT', 'queues/still/concurrency', { concurrency: 3 }],
  ['PUT', 'queues/still/rate-limit', { max: 1, duration: 1000 }],
  ['PUT', 'queues/still/rate-limit/release'],
  ['POST', 'queues/still/add', { name: 'still.one', data: {}, options: {} }],
  ['PUT', 'queues/still/:id/clean'],
  ['PATCH', 'queues/still/:id/update-data', { jobData: {} }],
  ['PATCH', 'queues/still/:id/delay', { runAt: 4e12 }],
  ['PATCH', 'queues/still/:id/priority', { priority: 7 }],
  ['PUT', 'queues/still/:id/remove-unprocessed-children'],
  ['PUT', 'queues/still/job-schedulers/some/remove'],
  ['PUT', 'queues/still/job-schedulers/some/run'],
  ['PATCH', 'queues/still/job-schedulers/some', { every: 1000 }],
]

const ALLOWED: [method: string, path: string][] = [
  ['PUT', 'queues/pause'],
  ['PUT', 'queues/resume'],
  ['PUT', 'queues/still/pause'],
  ['PUT', 'queues/still/resume'],
  ['PUT', 'queues/still/retry/failed'],
  ['PUT', 'queues/still/:id/retry'],
  ['PUT', 'queues/still/:id/promote'],
]

it('knows every change that the installed version of the board can ask for', async () => {
  const changes: string[] = []
  const app = fastify()
  app.addHook('onRoute', ({ method, url }) => {
    for (const name of [method].flat()) if (name !== 'GET' && name !== 'HEAD') changes.push(`${name} ${url}`)
  })
  const adapter = new FastifyAdapter()
  createBullBoard({ queues: [], serverAdapter: adapter })
  await app.register(adapter.registerPlugin())
  expect(changes.length).toBeGreaterThan(20)
  const known = [...REFUSED, ...ALLOWED].map(([method, path]) => `${method} /api/${path}`)
  for (const change of changes) {
    const pattern = new RegExp(`^${change.replace(/:\w+/g, '[^/]+')}$`)
    expect(known, change).toContainEqual(expect.stringMatching(pattern))
  }
})

describe('refused', () => {
  it('is every other change, whoever asks, and nothing comes of it', async () => {
    const ids = await stillQueue()
    const before = await dump()
    for (const [method, path, body] of REFUSED) {
      for (const id of path.includes(':id') ? ids : ['']) {
        const answer = await board(method, path.replace(':id', id), body)
        expect(answer, path).toMatchObject({ status: 403, body: { code: 'forbidden', error: expect.any(String) } })
        expect(answer.body.detail).toMatch(/^the board may not /)
      }
    }
    expect(await dump()).toEqual(before)
  })

  it('is every change by a key that may only read, which is shown a board without buttons', async () => {
    const [id] = await stillQueue()
    expect(await queueOnBoard('still', 'latest', READER)).toMatchObject({ readOnlyMode: true, allowRetries: false })
    const before = await dump()
    for (const [method, path, body] of [...REFUSED, ...ALLOWED]) {
      const answer = await board(method, path.replace(':id', String(id)), body, READER)
      expect(answer, path).toMatchObject({ status: 403, body: { code: 'forbidden' } })
      expect(answer.body.detail).toContain('operate')
    }
    expect(await dump()).toEqual(before)
  })

  /** A queue that no worker takes from, with a job in each place where one can wait or end without a worker. */
  async function stillQueue(): Promise<string[]> {
    await announceQueue('still')
    const jobs = await Promise.all([
      enqueue('still.one', 'waiting'),
      enqueue('still.one', 'prioritized', { priority: 5 }),
      enqueue('still.one', 'delayed', { delayMs: 3_600_000 }),
      enqueue('still.one', 'cancelled'),
    ])
    const ids = jobs.map(({ id }) => id)
    await call('POST', `/v1/jobs/${ids[3]}/cancel`)
    return ids
  }

  /** All that Redis holds of the queue. */
  async function dump(): Promise<Record<string, string>> {
    const keys = (await redis.keys('*{still}*')).sort()
    const values = await Promise.all(keys.map((key) => redis.dumpBuffer(key)))
    return Object.fromEntries(keys.map((key, i) => [key, String(values[i]?.toString('hex'))]))
  }
})

it('says that Redis is away, and is back with it', async () => {
  const own = await startRedis()
  const { url } = await startApi({ FOLIOT_REDIS_URL: own.url })
  const connection = defineScripts(connectForLoops(own.url))
  await announce(connection, [TYPE])
  connection.disconnect()
  const ask = (path: string) => fetch(url + path)
  const isThere = async () => (await (await ask('/board/api/queues')).text()).includes('"test"')
  await waitUntil(isThere)

  process.kill(own.pid, 'SIGSTOP')
  for (const path of ['/board', '/board/api/queues']) {
    const answer = await ask(path)
    expect(answer.status, path).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('1')
  }
  const page = await fetch(`${url}/board`, { headers: { accept: 'text/html' } })
  expect([page.status, await page.text()]).toEqual([503, expect.stringContaining('Redis does not answer')])
  process.kill(own.pid, 'SIGCONT')
  await waitUntil(isThere)
})
