import { describe, expect, it } from 'vitest'
import { newJob, openTestQueues, succeed } from '../fixtures/test-queues.ts'
import { cancelJob } from '../jobs/moves.ts'
import { bullKeys } from '../keys.ts'
import { readOutbox, takeFromOutbox } from '../outbox/outbox.ts'
import { enqueue, enqueueMany, type NewJob } from './enqueue.ts'

const q = await openTestQueues()

const add = (queue: string, maxDepth: number, more: Partial<NewJob> = {}) =>
  enqueue(q.redis, newJob(queue, { maxDepth, ...more }))

const full = (maxDepth: number, found: number, queue: string) => ({
  code: 'backpressure',
  message: `expected fewer than ${maxDepth} waiting jobs in queue ${queue}, found ${found}`,
})

describe('a queue with a depth limit', () => {
  it('takes jobs until so many wait, wherever they wait, and stores nothing of the next', async () => {
    const queue = q.newQueue()
    for (const more of [{}, { priority: 1 }, { runAt: Date.now() + 60_000 }]) await add(queue, 3, more)
    for (const more of [{}, { priority: 1 }, { runAt: Date.now() + 60_000 }]) {
      const before = await q.redis.dbsize()
      await expect(add(queue, 3, more)).rejects.toMatchObject(full(3, 3, queue))
      expect(await q.redis.dbsize()).toBe(before)
    }
    await add(queue, 4)
    await expect(add(queue, 1)).rejects.toMatchObject(full(1, 4, queue))
    await q.add(queue)
  })

  it('is never overfilled, by whatever number at once', async () => {
    const queue = q.newQueue()
    const connections = [q.redis, q.connect()]
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, (_, n) =>
        enqueue(connections[n % 2] as typeof q.redis, newJob(queue, { maxDepth: 7 })),
      ),
    )
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(7)
    expect(await q.redis.llen(bullKeys(queue).wait)).toBe(7)
  })

  it('takes those jobs of a batch that it has room for', async () => {
    const queue = q.newQueue()
    const other = q.newQueue()
    const jobs = [queue, queue, queue, other, queue].map((name) => newJob(name, { maxDepth: 2 }))
    expect(await enqueueMany(q.redis, jobs)).toMatchObject([
      { job: { queue } },
      { job: { queue } },
      full(2, 2, queue),
      { job: { queue: other } },
      full(2, 2, queue),
    ])
  })

  it('still answers a repeated request, and with a live job', async () => {
    const queue = q.newQueue()
    const idempotency = { key: 'a', fingerprint: 'b' }
    const dedupe = { key: 'c' }
    const { job } = await add(queue, 1, { idempotency, dedupe })
    expect(await add(queue, 1, { idempotency, dedupe })).toMatchObject({ replayed: true, job: { id: job.id } })
    expect(await add(queue, 1, { dedupe })).toMatchObject({ deduplicated: true, job: { id: job.id } })
  })

  it('is not used up by a request that it refuses', async () => {
    const queue = q.newQueue()
    await q.add(queue)
    const guarded = { idempotency: { key: 'a', fingerprint: 'b' }, dedupe: { key: 'c' } }
    await expect(add(queue, 1, guarded)).rejects.toMatchObject({ code: 'backpressure' })
    expect(await add(queue, 2, guarded)).toMatchObject({ replayed: false, deduplicated: false })
  })

  it('counts what has ended lately also if the history has taken it', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    await cancelJob(q.redis, { queue, id }, { by: 'test' })
    await takeFromOutbox(q.redis, queue, { taken: await readOutbox(q.redis, queue, 10), unkept: [] })
    await q.add(queue)
    await expect(add(queue, 1, { idempotency: { key: 'a', fingerprint: 'b' } })).rejects.toMatchObject({
      hint: '1 jobs ended in the last 1000 ms: try again in 1 s',
    })
  })

  it('says to come back in a minute if nothing ends in it, and soon if much does', async () => {
    const queue = q.newQueue()
    await q.add(queue, { runAt: Date.now() + 60_000 })
    await expect(add(queue, 1)).rejects.toMatchObject({
      retryAfterSeconds: 60,
      hint: '0 jobs ended in the last 10000 ms: try again in 60 s',
    })
    const jobs = await enqueueMany(
      q.redis,
      Array.from({ length: 30 }, () => newJob(queue)),
    )
    await q.consume(queue, succeed)
    for (const result of jobs) {
      if (!(result instanceof Error)) await q.readWhen(queue, result.job.id, ({ status }) => status === 'succeeded')
    }
    await expect(add(queue, 1)).rejects.toMatchObject({
      retryAfterSeconds: 1,
      hint: expect.stringMatching(/^30 jobs ended in the last \d+ ms/),
    })
  })
})
