import { sleep } from '@foliot/example-demo/jobs'
import { describeJob } from '@foliot/jobs'
import { announce } from '@foliot/queue'
import { describe, expect, it } from 'vitest'
import { runAsAsked } from '../fixtures/runs.ts'
import { openTestApi } from '../fixtures/test-api.ts'

const api = await openTestApi()

let queues = 0

/** A queue that nobody has used, with a type of its own. */
async function newQueue() {
  const name = `queue-${++queues}`
  const type = `test.of-${name}`
  await announce(api.redis, [{ ...describeJob(sleep), name: type, queue: name }])
  const path = `/v1/queues/${name}`
  return {
    name,
    path,
    read: async () => (await api.get(path)).body,
    add: async (more: object = {}) => (await api.post('/v1/jobs', { type, input: { ms: 1 }, ...more })).job(202),
    consume: (run = runAsAsked) => api.consume(run, { queue: name }),
  }
}

const NONE = { concurrency: null, rateLimit: null, maxDepth: null }

describe('GET /v1/queues', () => {
  it('lists every queue that a worker has announced, whole', async () => {
    const { name, read } = await newQueue()
    const { body } = await api.get('/v1/queues')
    expect(body.nextCursor).toBeNull()
    expect(body.items.map((queue: { name: string }) => queue.name)).toEqual(
      expect.arrayContaining(['demo', name].toSorted()),
    )
    expect(await read()).toEqual({
      name,
      paused: false,
      counts: { queued: 0, running: 0, scheduled: 0, succeeded: 0, failed: 0 },
      oldestAgeMs: null,
      limits: NONE,
    })
  })
})

describe('GET /v1/queues/{name}', () => {
  it('counts jobs by where they are', async () => {
    const { add, read } = await newQueue()
    await add()
    await add({ priority: 5 })
    await add({ delayMs: 3_600_000 })
    const cancelled = await add()
    await api.post(`/v1/jobs/${cancelled.id}/cancel`)
    const { counts, oldestAgeMs } = await read()
    expect(counts).toEqual({ queued: 2, running: 0, scheduled: 1, succeeded: 1, failed: 0 })
    expect(oldestAgeMs).toBeGreaterThanOrEqual(0)
  })

  it('counts those that run', async () => {
    const { add, read, consume } = await newQueue()
    const started = Promise.withResolvers<void>()
    const consumer = await consume(async (attempt) => {
      started.resolve()
      return runAsAsked(attempt)
    })
    await add()
    await started.promise
    expect(await read()).toMatchObject({ counts: { queued: 0, running: 1 }, oldestAgeMs: null })
    await consumer.stop(0)
  })
})

describe('pause and resume', () => {
  it('keep jobs waiting, and let them go', async () => {
    const { add, path, read, consume } = await newQueue()
    expect((await api.post(`${path}/pause`)).body).toMatchObject({ paused: true })
    expect((await api.post(`${path}/pause`)).body).toMatchObject({ paused: true })
    const consumer = await consume(async () => ({ kind: 'succeeded', output: '1' }))
    const jobs = [await add(), await add({ priority: 9 })]
    const promoted = await add({ delayMs: 3_600_000 })
    expect((await api.post(`/v1/jobs/${promoted.id}/promote`)).job(200).status).toBe('queued')
    expect(await read()).toMatchObject({ paused: true, counts: { queued: 3, running: 0 } })
    expect((await api.get(`/v1/jobs/${jobs[0]?.id}/wait?timeoutMs=200`)).job(202).status).toBe('queued')
    expect((await api.post(`${path}/resume`)).body).toMatchObject({ paused: false })
    for (const { id } of [...jobs, promoted]) {
      expect((await api.get(`/v1/jobs/${id}/wait`)).job(200).status).toBe('succeeded')
    }
    await consumer.stop(0)
  })
})

describe('PATCH /v1/queues/{name}', () => {
  const RATE = { max: 10, perMs: 1000 }

  it('changes the limits that are named, and leaves the others', async () => {
    const { path, read } = await newQueue()
    const patch = async (body: unknown) => {
      const answer = await api.send('PATCH', path, body)
      expect(answer.status).toBe(200)
      expect(await read()).toEqual(answer.body)
      return answer.body.limits
    }
    expect(await patch({ concurrency: 5 })).toEqual({ ...NONE, concurrency: 5 })
    const both = { ...NONE, concurrency: 5, rateLimit: RATE }
    expect(await patch({ limits: { rateLimit: RATE } })).toEqual(both)
    expect(await patch({})).toEqual(both)
    expect(await patch({ limits: {} })).toEqual(both)
    expect(await patch({ maxDepth: 7 })).toEqual({ ...both, maxDepth: 7 })
    expect(await patch({ concurrency: null })).toEqual({ concurrency: null, rateLimit: RATE, maxDepth: 7 })
    expect(await patch({ limits: { concurrency: 1_000_000, rateLimit: null } })).toEqual({
      concurrency: 1_000_000,
      rateLimit: null,
      maxDepth: 7,
    })
    expect(await patch({ concurrency: null, rateLimit: null, maxDepth: null })).toEqual(NONE)
  })

  it('takes back what GET gave', async () => {
    const { path, read } = await newQueue()
    await api.send('PATCH', path, { concurrency: 3, rateLimit: RATE, maxDepth: 9 })
    const { limits } = await read()
    expect((await api.send('PATCH', path, { limits })).body.limits).toEqual(limits)
    expect((await api.send('PATCH', path, limits)).body.limits).toEqual(limits)
  })

  it('holds at once, and a lifted limit too', async () => {
    const { path, add, read, consume } = await newQueue()
    await api.send('PATCH', path, { concurrency: 1 })
    const goOn = Promise.withResolvers<void>()
    const consumer = await consume(async () => {
      await goOn.promise
      return { kind: 'succeeded', output: '1' }
    })
    const jobs = [await add(), await add(), await add()]
    expect((await api.get(`/v1/jobs/${jobs[2]?.id}/wait?timeoutMs=300`)).status).toBe(202)
    expect((await read()).counts).toMatchObject({ running: 1, queued: 2 })
    await api.send('PATCH', path, { concurrency: null })
    goOn.resolve()
    for (const { id } of jobs) (await api.get(`/v1/jobs/${id}/wait`)).job(200)
    await consumer.stop(0)
  })

  it.each<[unknown, string]>([
    [{ concurrency: 0 }, '/concurrency'],
    [{ concurrency: -1 }, '/concurrency'],
    [{ concurrency: 1.5 }, '/concurrency'],
    [{ concurrency: '5' }, '/concurrency'],
    [{ limits: { concurrency: '5' } }, '/limits/concurrency'],
    [{ rateLimit: { max: 0, perMs: 1000 } }, '/rateLimit/max'],
    [{ rateLimit: { max: 1, perMs: 0 } }, '/rateLimit/perMs'],
    [{ rateLimit: { max: 1 } }, '/rateLimit/perMs'],
    [{ limits: { rateLimit: { max: 1, perMs: 1, burst: 2 } } }, '/limits/rateLimit/burst'],
    [{ rateLimit: 5 }, '/rateLimit'],
    [{ maxDepth: 0 }, '/maxDepth'],
    [{ maxDepth: 1.5 }, '/maxDepth'],
    [{ limits: { maxDepth: '7' } }, '/limits/maxDepth'],
    [{ limits: null }, '/limits'],
    [{ colour: 'red' }, '/colour'],
    [{ limits: { concurrency: 1 }, concurrency: 2 }, '/limits'],
    [[], ''],
    [null, ''],
    ['x', ''],
  ])('refuses %j and says where', async (body, path) => {
    const { path: queue, read } = await newQueue()
    const problem = (await api.send('PATCH', queue, JSON.stringify(body))).problem(400, 'validation_failed')
    expect(problem.errors?.map((error) => error.path)).toContain(path)
    expect(problem.detail).not.toMatch(/Invalid input$/)
    expect((await read()).limits).toEqual(NONE)
  })
})

/** The names of queues, and of what else is told apart by name, that any key of Redis holds. */
const storedQueues = async (): Promise<string[]> => {
  const names = (await api.redis.keys('*')).flatMap((key) => /\{(.*)\}/.exec(key)?.[1] ?? key)
  return [...new Set(names)].toSorted()
}

describe('a queue that is not there', () => {
  it.each(['nope', 'DEMO', '..%2fx', '%2e%2e', '..', '__proto__', 'demo%00', '%7Bdemo%7D', '%', 'x'.repeat(300)])(
    '%j is a 404 for every call',
    async (name) => {
      const before = await storedQueues()
      const path = `/v1/queues/${name}`
      ;(await api.get(path)).problem(404, 'not_found')
      ;(await api.send('PATCH', path, { concurrency: 1 })).problem(404, 'not_found')
      ;(await api.post(`${path}/pause`)).problem(404, 'not_found')
      ;(await api.post(`${path}/resume`)).problem(404, 'not_found')
      expect(await storedQueues()).toEqual(before)
    },
  )

  it('comes with the name that may be meant', async () => {
    expect((await api.get('/v1/queues/demi')).problem(404, 'not_found').hint).toBe('did you mean "demo"?')
  })
})
