import { waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { dead, ENDS, newJob, openTestQueues, retry, succeed } from '../fixtures/test-queues.ts'
import { cancelJob, redriveJob } from '../jobs/moves.ts'
import { bullKeys, dedupeKey, jobKey, lockKey } from '../keys.ts'
import { enqueue, enqueueMany, type NewJob } from './enqueue.ts'

const q = await openTestQueues()
const by = { by: 'test' }
const dedupe = { key: 'customer-1' }

const add = (queue: string, more: Partial<NewJob> = {}) => enqueue(q.redis, newJob(queue, { dedupe, ...more }))

const heldKeys = (queue: string): Promise<string[]> => q.redis.keys(dedupeKey(queue, '*'))

describe('a dedupe key', () => {
  it.each<[string, Partial<NewJob>]>([
    ['waits', {}],
    ['waits by its priority', { priority: 3 }],
    ['waits for its time', { runAt: Date.now() + 60_000 }],
  ])('gives a job that %s to whoever asks for another one', async (_, first) => {
    const queue = q.newQueue()
    const { job, deduplicated } = await add(queue, { input: 1, ...first })
    expect(deduplicated).toBe(false)
    expect(await q.read(queue, job.id)).toEqual(job)
    for (const more of [{}, { input: 2 }, { priority: 9 }, { runAt: Date.now() + 60_000 }]) {
      expect(await add(queue, more)).toEqual({ job, replayed: false, fromRecord: false, deduplicated: true })
    }
    const k = bullKeys(queue)
    expect((await q.redis.llen(k.wait)) + (await q.redis.zcard(k.prioritized)) + (await q.redis.zcard(k.delayed))).toBe(
      1,
    )
  })

  it('has one job made of 100 requests at once over four connections', async () => {
    const queue = q.newQueue()
    const connections = [q.redis, q.connect(), q.connect(), q.connect()]
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, n) => enqueue(connections[n % 4] as typeof q.redis, newJob(queue, { dedupe }))),
    )
    expect(new Set(results.map(({ job }) => job.id)).size).toBe(1)
    expect(results.filter(({ deduplicated }) => !deduplicated)).toHaveLength(1)
    expect(await q.redis.llen(bullKeys(queue).wait)).toBe(1)
  })

  it('is held while the job runs and between its attempts', async () => {
    const queue = q.newQueue()
    const { job } = await add(queue)
    const started = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    await q.consume(queue, async () => {
      started.resolve()
      await goOn.promise
      return retry(60_000)
    })
    await started.promise
    expect(await add(queue)).toMatchObject({ deduplicated: true, job: { id: job.id, status: 'running' } })
    goOn.resolve()
    await q.readWhen(queue, job.id, ({ status }) => status === 'retrying')
    expect(await add(queue)).toMatchObject({ deduplicated: true, job: { id: job.id, status: 'retrying' } })
  })

  it.each(ENDS)('is free, and gone from Redis, when the job has %s', async (status, run) => {
    const queue = q.newQueue()
    const jobs = [await add(queue), await add(queue, { dedupe: { key: 'timed', ttlMs: 60_000 } })]
    const { consumer } = await q.consume(queue, run)
    for (const { job } of jobs) await q.readWhen(queue, job.id, (now) => now.status === status)
    await consumer.stop(0)
    expect(await heldKeys(queue)).toEqual([])
    expect(await add(queue)).toMatchObject({ deduplicated: false, job: { status: 'queued' } })
  })

  it('is free, and gone from Redis, when a job that waits is cancelled', async () => {
    const queue = q.newQueue()
    const { job } = await add(queue)
    await cancelJob(q.redis, { queue, id: job.id }, by)
    expect(await heldKeys(queue)).toEqual([])
    expect((await add(queue)).job.id).not.toBe(job.id)
  })

  it('is free when the job was deleted by hand, and when something else is in its place', async () => {
    const queue = q.newQueue()
    const first = await add(queue)
    await q.redis.del(jobKey(queue, first.job.id))
    const second = await add(queue)
    expect(second.deduplicated).toBe(false)
    await q.redis.set(jobKey(queue, second.job.id), 'text')
    expect((await add(queue)).deduplicated).toBe(false)
  })

  it('is not taken back from a live job by one that is redriven', async () => {
    const queue = q.newQueue()
    const { job: first } = await add(queue)
    const { consumer } = await q.consume(queue, async () => dead('no'))
    await q.readWhen(queue, first.id, ({ status }) => status === 'failed')
    await consumer.stop(0)
    const { job: second } = await add(queue, { runAt: Date.now() + 60_000 })
    await redriveJob(q.redis, { queue, id: first.id }, by)
    await q.consume(queue, succeed)
    await q.readWhen(queue, first.id, ({ status }) => status === 'succeeded')
    expect(await add(queue)).toMatchObject({ deduplicated: true, job: { id: second.id } })
  })

  it('is held no longer than its time, by the job that it was given to', async () => {
    const queue = q.newQueue()
    const { job: first } = await add(queue, { dedupe: { key: 'a', ttlMs: 60_000 } })
    expect((await add(queue, { dedupe: { key: 'a', ttlMs: 1 } })).job.id).toBe(first.id)
    const [key] = await heldKeys(queue)
    expect(await q.redis.pttl(key as string)).toBeGreaterThan(30_000)
    await q.redis.pexpire(key as string, 1)
    await waitUntil(async () => (await heldKeys(queue)).length === 0)
    const { job: second } = await add(queue, { dedupe: { key: 'a' } })
    expect(second.id).not.toBe(first.id)
    await cancelJob(q.redis, { queue, id: first.id }, by)
    expect((await add(queue, { dedupe: { key: 'a' } })).job.id).toBe(second.id)
  })

  it('is private to a tenant, a type and a queue', async () => {
    const queue = q.newQueue()
    const others = [{}, { tenant: 'acme' }, { type: 'test.other' }, { queue: q.newQueue() }, { dedupe: { key: 'b' } }]
    const results = await enqueueMany(
      q.redis,
      others.map((more) => newJob(queue, { dedupe, ...more })),
    )
    expect(results.map((result) => 'deduplicated' in result && result.deduplicated)).toEqual(others.map(() => false))
  })

  it('comes after the idempotency key, which is used up only by a job of its own', async () => {
    const queue = q.newQueue()
    const [a, b] = ['a', 'b'].map((key) => ({ idempotency: { key, fingerprint: key } }))
    const { job } = await add(queue, a)
    expect(await add(queue, a)).toMatchObject({ replayed: true, deduplicated: false, job: { id: job.id } })
    expect(await add(queue, b)).toMatchObject({ replayed: false, deduplicated: true, job: { id: job.id } })
    await cancelJob(q.redis, { queue, id: job.id }, by)
    expect(await add(queue, a)).toMatchObject({ replayed: true, job: { id: job.id, status: 'cancelled' } })
    expect(await add(queue, b)).toMatchObject({ replayed: false, deduplicated: false, job: { status: 'queued' } })
  })

  it('counts within a batch', async () => {
    const queue = q.newQueue()
    const results = await enqueueMany(q.redis, [newJob(queue, { dedupe }), newJob(queue), newJob(queue, { dedupe })])
    expect(results).toMatchObject([{ deduplicated: false }, { deduplicated: false }, { deduplicated: true }])
  })

  it('of a job that dies with its process is free', async () => {
    const queue = q.newQueue()
    const { job } = await add(queue, { maxAttempts: 1 })
    const recovered = Promise.withResolvers<string[]>()
    // As if a worker had taken it and died: it is in `active` without a lock.
    const k = bullKeys(queue)
    await q.redis.lmove(k.wait, k.active, 'RIGHT', 'LEFT')
    expect(await q.redis.exists(lockKey(queue, job.id))).toBe(0)
    await q.consume(queue, succeed, { onRecovered: (_, gone) => recovered.resolve(gone) })
    expect(await recovered.promise).toEqual([job.id])
    expect(await heldKeys(queue)).toEqual([])
    expect((await add(queue)).deduplicated).toBe(false)
  }, 30_000)
})
