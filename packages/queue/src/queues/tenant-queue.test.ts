import { describe, expect, it } from 'vitest'
import { dead, openTestQueues, retry, succeed } from '../fixtures/test-queues.ts'
import { cancelJob } from '../jobs/moves.ts'
import { jobKey } from '../keys.ts'
import { readOutbox, takeFromOutbox } from '../outbox/outbox.ts'
import { sayRecording } from '../outbox/recording.ts'
import { limitQueue, readQueue } from './queues.ts'
import { readQueueOf } from './tenant-queue.ts'

const q = await openTestQueues()
const later = { runAt: Date.now() + 3_600_000 }

describe('readQueueOf', () => {
  it('counts the jobs of one tenant, wherever they are', async () => {
    const queue = q.newQueue()
    const { promise: end, resolve: letGo } = Promise.withResolvers<void>()
    const { consumer } = await q.consume(
      queue,
      async ({ claim }) => {
        if (claim.input === 'hold') await end
        if (claim.input === 'fail') return dead('no')
        return claim.input === 'retry' ? retry(60_000) : succeed()
      },
      { concurrency: 2 },
    )
    for (const tenant of ['acme', 'globex', 'acme']) {
      for (const input of ['done', 'fail', 'retry']) {
        const { id } = await q.add(queue, { input, tenant })
        await q.readWhen(queue, id, ({ status }) => ['succeeded', 'failed', 'retrying'].includes(status))
      }
    }
    const held = await Promise.all(['acme', 'globex'].map((tenant) => q.add(queue, { input: 'hold', tenant })))
    for (const { id } of held) await q.readWhen(queue, id, ({ status }) => status === 'running')
    const [first] = [await q.add(queue, { tenant: 'acme' }), await q.add(queue, { tenant: 'globex' })]
    await q.add(queue, { tenant: 'acme', priority: 7 })
    await q.add(queue, { tenant: 'globex', ...later })
    await cancelJob(q.redis, { queue, id: (await q.add(queue, { tenant: 'acme', ...later })).id }, { by: 'test' })
    const asked = Date.now()
    const acme = await readQueueOf(q.redis, queue, 'acme')
    expect(acme.counts).toEqual({ queued: 2, running: 1, scheduled: 2, succeeded: 3, failed: 2 })
    expect(acme.oldestAgeMs).toBeGreaterThanOrEqual(asked - Date.parse(first.createdAt))
    const globex = await readQueueOf(q.redis, queue, 'globex')
    expect(globex.counts).toEqual({ queued: 1, running: 1, scheduled: 2, succeeded: 1, failed: 1 })
    const nobody = await readQueueOf(q.redis, queue, 'nobody')
    expect(nobody).toMatchObject({ counts: { queued: 0, running: 0, scheduled: 0, succeeded: 0, failed: 0 } })
    expect(nobody.oldestAgeMs).toBeNull()
    letGo()
    await consumer.stop(5000)
  })

  it('counts what the history has taken, of the tenant alone', async () => {
    const queue = q.newQueue()
    await sayRecording(q.redis)
    const jobs = await Promise.all(['acme', 'globex', 'acme'].map((tenant) => q.add(queue, { tenant })))
    const { consumer } = await q.consume(queue, succeed)
    for (const { id } of jobs) await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    await consumer.stop(0)
    const succeeded = async (tenant: string) => (await readQueueOf(q.redis, queue, tenant)).counts.succeeded
    await takeFromOutbox(q.redis, queue, { taken: await readOutbox(q.redis, queue, 10), unkept: [] })
    expect(await Promise.all(['acme', 'globex', 'default'].map(succeeded))).toEqual([2, 1, 0])
  })

  it('counts what no history keeps, as the count of all tenants does', async () => {
    const queue = q.newQueue()
    const [kept, unkept] = [await q.add(queue, { tenant: 'acme' }), await q.add(queue, { tenant: 'acme' })]
    const { consumer } = await q.consume(queue, succeed, { keepsFinished: () => true })
    for (const { id } of [kept, unkept]) await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    await consumer.stop(0)
    const read = await readOutbox(q.redis, queue, 10)
    await takeFromOutbox(q.redis, queue, {
      taken: read.filter(({ id }) => id === kept.id),
      unkept: read.filter(({ id }) => id === unkept.id),
    })
    const [all, theirs] = [await readQueue(q.redis, queue), await readQueueOf(q.redis, queue, 'acme')]
    expect([all.counts.succeeded, theirs.counts.succeeded]).toEqual([2, 2])
  })

  it('is not deceived by what a caller wrote, nor by a name that begins like another', async () => {
    const queue = q.newQueue()
    await q.add(queue, { tenant: 'acme', labels: { tenant: 'globex' } })
    await q.add(queue, { tenant: 'acme-two', labels: { text: '"tenant":"globex"' } })
    await q.add(queue, { tenant: 'default', input: { tenant: 'globex' } })
    const queued = async (tenant: string) => (await readQueueOf(q.redis, queue, tenant)).counts.queued
    expect(await Promise.all(['acme', 'acme-two', 'acme-', 'default', 'globex'].map(queued))).toEqual([1, 1, 0, 1, 0])
  })

  it('counts what plain BullMQ added for the default tenant, and passes over what is no job', async () => {
    const queue = q.newQueue()
    const [plain, gone, text] = await Promise.all([1, 2, 3].map((input) => q.add(queue, { input, tenant: 'acme' })))
    await q.redis.hdel(jobKey(queue, plain?.id ?? ''), 'env')
    await q.redis.del(jobKey(queue, gone?.id ?? ''), jobKey(queue, text?.id ?? ''))
    await q.redis.set(jobKey(queue, text?.id ?? ''), 'text')
    expect((await readQueueOf(q.redis, queue, 'default')).counts.queued).toBe(1)
    expect((await readQueueOf(q.redis, queue, 'acme')).counts.queued).toBe(0)
  })

  it('counts all of a long queue, and shows the limits that hold for everybody', async () => {
    const queue = q.newQueue()
    await limitQueue(q.redis, queue, { concurrency: 3 })
    await Promise.all(Array.from({ length: 1201 }, (_, i) => q.add(queue, { tenant: i % 3 === 0 ? 'acme' : 'globex' })))
    const acme = await readQueueOf(q.redis, queue, 'acme')
    expect(acme.counts.queued).toBe(401)
    expect(acme.limits.concurrency).toBe(3)
    expect(acme.truncated).toBe(false)
  })
})
