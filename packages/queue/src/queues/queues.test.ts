import { waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { dead, openTestQueues, retry, succeed, untilStopped } from '../fixtures/test-queues.ts'
import { bullKeys, jobKey } from '../keys.ts'
import { limitQueue, pauseQueue, type QueueInfo, readQueue, resumeQueue } from './queues.ts'

const q = await openTestQueues()

const EMPTY: Omit<QueueInfo, 'name'> = {
  paused: false,
  counts: { queued: 0, running: 0, scheduled: 0, succeeded: 0, failed: 0 },
  oldestAgeMs: null,
  limits: { concurrency: null, rateLimit: null, maxDepth: null },
}

/** An idle worker that nobody wakes looks by itself after 5 s. */
const SOON = { timeoutMs: 2500 }

/** Ids of jobs in the order in which they start, on a worker that lets go of none. */
async function holdAll(queue: string, concurrency = 5): Promise<string[]> {
  const started: string[] = []
  await q.consume(
    queue,
    async (attempt) => {
      started.push(attempt.claim.id)
      return untilStopped(attempt)
    },
    { concurrency, redis: q.connect() },
  )
  return started
}

/** Resolves when a worker has looked for work that was added to another queue after all that came before. */
async function passTime(): Promise<void> {
  const queue = q.newQueue()
  const { id } = await q.add(queue)
  const { consumer } = await q.consume(queue, succeed, { redis: q.connect() })
  await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
  await consumer.stop(0)
}

describe('readQueue', () => {
  it('shows a queue that nobody has used', async () => {
    const name = q.newQueue()
    expect(await readQueue(q.redis, name)).toEqual({ name, ...EMPTY })
  })

  it('counts the jobs, and tells the age of the one that is next', async () => {
    const name = q.newQueue()
    const { consumer } = await q.consume(name, async ({ claim }) => {
      if (claim.input === 'fail') return dead('no')
      return claim.input === 'retry' ? retry(60_000) : succeed()
    })
    for (const input of ['done', 'fail', 'retry', 'last']) await q.add(name, { input })
    await waitUntil(async () => (await readQueue(q.redis, name)).counts.succeeded === 2)
    await consumer.stop(0)
    const [first] = [await q.add(name), await q.add(name), await q.add(name, { priority: 3 })]
    await q.add(name, { runAt: Date.now() + 60_000 })
    const asked = Date.now()
    const info = await readQueue(q.redis, name)
    expect(info.counts).toEqual({ queued: 3, running: 0, scheduled: 2, succeeded: 2, failed: 1 })
    expect(info.oldestAgeMs).toBeGreaterThanOrEqual(asked - Date.parse(first.createdAt))
    await holdAll(name, 1)
    await waitUntil(async () => (await readQueue(q.redis, name)).counts.running === 1)
  })

  it('shows a queue whose next job is no job', async () => {
    const name = q.newQueue()
    const { id } = await q.add(name)
    await q.redis.multi().del(jobKey(name, id)).set(jobKey(name, id), 'text').exec()
    expect(await readQueue(q.redis, name)).toMatchObject({ counts: { queued: 1 }, oldestAgeMs: null })
  })
})

describe('pauseQueue', () => {
  it('keeps jobs from starting until resumeQueue, which wakes sleeping workers', async () => {
    const name = q.newQueue()
    const started = await holdAll(name)
    await pauseQueue(q.redis, name)
    const { id } = await q.add(name)
    await passTime()
    expect(await readQueue(q.redis, name)).toMatchObject({ paused: true, counts: { queued: 1 } })
    expect([started, (await q.read(name, id)).status]).toEqual([[], 'queued'])
    await resumeQueue(q.redis, name)
    await waitUntil(() => started.length === 1, SOON)
    expect((await readQueue(q.redis, name)).paused).toBe(false)
  })

  it('lets running jobs end', async () => {
    const name = q.newQueue()
    const { id } = await q.add(name)
    const gate = Promise.withResolvers<void>()
    await q.consume(name, async () => {
      await gate.promise
      return succeed()
    })
    await q.readWhen(name, id, ({ status }) => status === 'running')
    await pauseQueue(q.redis, name)
    gate.resolve()
    await q.readWhen(name, id, ({ status }) => status === 'succeeded')
  })

  it('is safe twice, as resumeQueue is', async () => {
    const name = q.newQueue()
    for (const change of [pauseQueue, pauseQueue, resumeQueue, resumeQueue]) await change(q.redis, name)
    expect((await readQueue(q.redis, name)).paused).toBe(false)
  })
})

describe('limitQueue', () => {
  it('shows the limits, and changes only those that are given', async () => {
    const name = q.newQueue()
    const limits = async () => (await readQueue(q.redis, name)).limits
    await limitQueue(q.redis, name, { concurrency: 3, rateLimit: { max: 10, perMs: 500 }, maxDepth: 7 })
    expect(await limits()).toEqual({ concurrency: 3, rateLimit: { max: 10, perMs: 500 }, maxDepth: 7 })
    await limitQueue(q.redis, name, {})
    await limitQueue(q.redis, name, { concurrency: 4 })
    expect(await limits()).toEqual({ concurrency: 4, rateLimit: { max: 10, perMs: 500 }, maxDepth: 7 })
    await limitQueue(q.redis, name, { rateLimit: null })
    expect(await limits()).toEqual({ concurrency: 4, rateLimit: null, maxDepth: 7 })
    await limitQueue(q.redis, name, { maxDepth: null })
    expect(await limits()).toEqual({ concurrency: 4, rateLimit: null, maxDepth: null })
    await limitQueue(q.redis, name, { concurrency: null })
    expect(await readQueue(q.redis, name)).toEqual({ name, ...EMPTY })
  })

  it('bounds how many run over all workers, and wakes sleeping ones when it is raised', async () => {
    const name = q.newQueue()
    await limitQueue(q.redis, name, { concurrency: 1 })
    const [one, two] = [await holdAll(name, 2), await holdAll(name, 2)]
    const running = () => one.length + two.length
    for (let n = 0; n < 4; n++) await q.add(name)
    await waitUntil(() => running() === 1)
    await passTime()
    expect(running()).toBe(1)
    await limitQueue(q.redis, name, { concurrency: 3 })
    await waitUntil(() => running() === 3, SOON)
    await passTime()
    expect(running()).toBe(3)
    await limitQueue(q.redis, name, { concurrency: null })
    await waitUntil(() => running() === 4, SOON)
  })

  it('bounds how many start in a time, and wakes sleeping workers when it is lifted', async () => {
    const name = q.newQueue()
    await limitQueue(q.redis, name, { rateLimit: { max: 2, perMs: 60_000 } })
    const started = await holdAll(name)
    for (let n = 0; n < 4; n++) await q.add(name)
    await waitUntil(() => started.length === 2)
    await passTime()
    expect(started).toHaveLength(2)
    await limitQueue(q.redis, name, { rateLimit: null })
    await waitUntil(() => started.length === 4, SOON)
  })
})

describe('what changes a queue', () => {
  it('leaves settings of plain BullMQ as they are, and nothing on the connection', async () => {
    const name = q.newQueue()
    await q.redis.hset(bullKeys(name).meta, 'opts.maxLenEvents', '77')
    const redis = q.connect()
    const listeners = () => redis.eventNames().map((event) => redis.listenerCount(event))
    await pauseQueue(redis, name)
    const before = listeners()
    for (let n = 0; n < 12; n++) await (n % 2 ? pauseQueue : resumeQueue)(redis, name)
    expect(listeners()).toEqual(before)
    expect(await redis.ping()).toBe('PONG')
    expect(await q.redis.hget(bullKeys(name).meta, 'opts.maxLenEvents')).toBe('77')
  })
})
