import { describe, expect, it } from 'vitest'
import { ENDS, newJob, openTestQueues, retry, succeed } from '../fixtures/test-queues.ts'
import { cancelJob, redriveJob } from '../jobs/moves.ts'
import { endOverdue } from '../jobs/overdue.ts'
import { jobKey, openJobsKey } from '../keys.ts'
import { enqueue, enqueueMany, type NewJob } from './enqueue.ts'

const q = await openTestQueues()
const by = { by: 'test' }

const add = (queue: string, tenantQuota: number, more: Partial<NewJob> = {}) =>
  enqueue(q.redis, newJob(queue, { tenant: 'acme', tenantQuota, ...more }))

const open = (queue: string, tenant = 'acme') => q.redis.smembers(openJobsKey(queue, tenant))

const over = (quota: number, found: number, queue: string) => ({
  code: 'backpressure',
  message: `expected fewer than ${quota} jobs of tenant acme in queue ${queue} that have not ended, found ${found}`,
})

describe('a tenant with a quota', () => {
  it('has jobs taken until so many have not ended, and nothing stored of the next', async () => {
    const queue = q.newQueue()
    const more = [{}, { priority: 1 }, { runAt: Date.now() + 60_000 }]
    for (const [i, job] of more.entries()) expect((await add(queue, 3, job)).open).toBe(i + 1)
    for (const job of more) {
      const before = await q.redis.dbsize()
      await expect(add(queue, 3, job)).rejects.toMatchObject(over(3, 3, queue))
      expect(await q.redis.dbsize()).toBe(before)
    }
    expect((await add(queue, 4)).open).toBe(4)
  })

  it('stands in no other tenant’s way, nor in its own in another queue', async () => {
    const [queue, other] = [q.newQueue(), q.newQueue()]
    await add(queue, 1)
    await expect(add(queue, 1)).rejects.toMatchObject({ code: 'backpressure' })
    await add(queue, 1, { tenant: 'globex' })
    await add(other, 1)
    await q.add(queue, { tenant: 'acme' })
  })

  it('never has more, by whatever number at once, nor by a batch', async () => {
    const queue = q.newQueue()
    const jobs = Array.from({ length: 30 }, () => newJob(queue, { tenant: 'acme', tenantQuota: 7 }))
    const alone = await Promise.allSettled(jobs.map((job) => enqueue(q.redis, job)))
    expect(alone.filter(({ status }) => status === 'fulfilled')).toHaveLength(7)
    expect((await enqueueMany(q.redis, jobs)).every((result) => result instanceof Error)).toBe(true)
    expect(await open(queue)).toHaveLength(7)
  })

  it('still gets an answer to a repeated request, and the live job of a dedupe key', async () => {
    const queue = q.newQueue()
    const first = await add(queue, 1, { idempotency: { key: 'a', fingerprint: 'b' }, dedupe: { key: 'c' } })
    const again = await add(queue, 1, { idempotency: { key: 'a', fingerprint: 'b' } })
    expect(again).toMatchObject({ replayed: true, job: { id: first.job.id } })
    expect(await add(queue, 1, { dedupe: { key: 'c' } })).toMatchObject({ deduplicated: true })
    const full = add(queue, 1, { idempotency: { key: 'z', fingerprint: 'b' } })
    await expect(full).rejects.toMatchObject({ code: 'backpressure' })
    // What was refused has used up no key.
    expect((await add(queue, 2, { idempotency: { key: 'z', fingerprint: 'b' } })).replayed).toBe(false)
  })

  it('works with every other option of a job at once', async () => {
    const queue = q.newQueue()
    const { job } = await add(queue, 5, {
      idempotency: { key: 'a', fingerprint: 'b' },
      dedupe: { key: 'c' },
      maxDepth: 10,
      deadlineAt: Date.now() + 60_000,
    })
    expect(await open(queue)).toEqual([job.id])
    expect((await q.read(queue, job.id)).deadlineAt).toBe(job.deadlineAt)
  })
})

describe('a job under a quota is counted no more', () => {
  it.each(ENDS)('when it is %s', async (status, run) => {
    const queue = q.newQueue()
    const { job } = await add(queue, 1)
    const { consumer } = await q.consume(queue, run)
    await q.readWhen(queue, job.id, (now) => now.status === status)
    await consumer.stop(0)
    expect(await open(queue)).toEqual([])
    await add(queue, 1)
  })

  it('when it is cancelled where it waits, or its deadline passes there', async () => {
    const queue = q.newQueue()
    const { job } = await add(queue, 1)
    await cancelJob(q.redis, { queue, id: job.id }, by)
    expect(await open(queue)).toEqual([])
    await add(queue, 1, { deadlineAt: Date.now() - 1 })
    await endOverdue(q.redis, queue)
    expect(await open(queue)).toEqual([])
  })

  it('but is while it waits for a retry, and again after a redrive', async () => {
    const queue = q.newQueue()
    const { job } = await add(queue, 1)
    const { consumer } = await q.consume(queue, async () => retry(600_000))
    await q.readWhen(queue, job.id, ({ status }) => status === 'retrying')
    expect(await open(queue)).toEqual([job.id])
    await consumer.stop(0)
    const second = q.newQueue()
    const dead = (await add(second, 1, { deadlineAt: Date.now() - 1 })).job
    await endOverdue(q.redis, second)
    await redriveJob(q.redis, { queue: second, id: dead.id }, by)
    expect(await open(second)).toEqual([dead.id])
    await q.consume(second, succeed)
    await q.readWhen(second, dead.id, ({ status }) => status === 'succeeded')
    expect(await open(second)).toEqual([])
  })

  it('when it was deleted by hand, as soon as its place is needed', async () => {
    const queue = q.newQueue()
    const [first, second] = [await add(queue, 2), await add(queue, 2)]
    await q.redis.del(jobKey(queue, first.job.id))
    const { job } = await add(queue, 2)
    expect((await open(queue)).sort()).toEqual([second.job.id, job.id].sort())
  })
})
