import { atEndOfFile } from '@foliot/testkit'
import { Queue } from 'bullmq'
import { describe, expect, it } from 'vitest'
import { discardJobs } from '../fixtures/dead-letters.ts'
import { dead, ENDS, newJob, openTestQueues, succeed } from '../fixtures/test-queues.ts'
import { cancelJob, redriveJob } from '../jobs/moves.ts'
import { bullKeys, bullName, idempotencyKey, jobKey, PREFIX } from '../keys.ts'
import { enqueue, type NewJob } from './enqueue.ts'

const q = await openTestQueues()
const by = { by: 'test' }
const idempotency = { key: 'order-1', fingerprint: 'same' }

const REQUEST: Partial<NewJob> = { idempotency, input: { a: 1 }, labels: { l: 'm' }, priority: 2, maxAttempts: 5 }

const first = (queue: string, more: Partial<NewJob> = {}) => q.add(queue, { ...REQUEST, ...more })
const again = (queue: string) => enqueue(q.redis, newJob(queue, REQUEST))

/** Has BullMQ drop what has ended, as it does by age and number. */
async function drop(queue: string, id: string): Promise<void> {
  const plain = new Queue(bullName(queue), { connection: q.redis, prefix: PREFIX, skipMetasUpdate: true })
  atEndOfFile(() => plain.close())
  for (const place of ['completed', 'failed'] as const) await plain.clean(0, 1000, place)
  expect(await q.redis.exists(jobKey(queue, id))).toBe(0)
}

const records = (queue: string): Promise<string[]> => q.redis.keys(idempotencyKey(queue, '*'))

describe('a request that is repeated after its job was dropped', () => {
  it.each(ENDS)('is told that it %s, and when', async (status, run) => {
    const queue = q.newQueue()
    const { id } = await first(queue)
    const { consumer } = await q.consume(queue, run)
    const ended = await q.readWhen(queue, id, (job) => job.finishedAt !== undefined)
    expect(ended.status).toBe(status)
    await consumer.stop(0)
    await drop(queue, id)
    const { job, replayed } = await again(queue)
    expect(replayed).toBe(true)
    const { createdAt, startedAt, finishedAt, attempt, attemptsUsed } = ended
    expect(job).toMatchObject({ id, status, createdAt, startedAt, finishedAt, attempt, attemptsUsed })
    expect(job).toMatchObject({
      input: { a: 1 },
      labels: { l: 'm' },
      priority: 2,
      maxAttempts: 5,
      output: null,
      error: null,
    })
    expect(job.timeline.map(({ event }) => event)).toEqual(['created', 'started', status])
  })

  it('is told of a job that never ran because it was cancelled', async () => {
    const queue = q.newQueue()
    const { id } = await first(queue, { runAt: Date.now() + 60_000 })
    const { finishedAt } = await cancelJob(q.redis, { queue, id }, by)
    await drop(queue, id)
    const { job } = await again(queue)
    expect(job).toMatchObject({ id, status: 'cancelled', finishedAt, attempt: 0 })
    expect(job).not.toHaveProperty('startedAt')
    expect(job).not.toHaveProperty('nextAttemptAt')
  })

  it('is told of a job that died with its process', async () => {
    const queue = q.newQueue()
    const { id } = await first(queue, { priority: 0, maxAttempts: 1 })
    // As if a worker had taken it and died: it is in `active` without a lock.
    const k = bullKeys(queue)
    await q.redis.lmove(k.wait, k.active, 'RIGHT', 'LEFT')
    const recovered = Promise.withResolvers<string[]>()
    await q.consume(queue, succeed, { onRecovered: (_, gone) => recovered.resolve(gone) })
    expect(await recovered.promise).toEqual([id])
    await drop(queue, id)
    expect((await again(queue)).job).toMatchObject({ id, status: 'failed', attemptsUsed: 1 })
  }, 30_000)

  it('is told the status of a dead letter that was discarded', async () => {
    const queue = q.newQueue()
    const { id } = await first(queue)
    await q.consume(queue, async () => dead('no'))
    await q.readWhen(queue, id, ({ status }) => status === 'failed')
    await discardJobs(q.redis, queue, [id], by)
    await drop(queue, id)
    expect((await again(queue)).job).toMatchObject({ id, status: 'failed' })
  })

  it('is told of the second end of a job that was redriven', async () => {
    const queue = q.newQueue()
    const { id } = await first(queue)
    await q.consume(queue, async ({ claim }) => (claim.attempt === 1 ? dead('no') : succeed()))
    await q.readWhen(queue, id, ({ status }) => status === 'failed')
    await redriveJob(q.redis, { queue, id }, by)
    await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    await drop(queue, id)
    expect((await again(queue)).job).toMatchObject({ id, status: 'succeeded', attempt: 2 })
  })
})

describe('a request that is repeated after its job has vanished', () => {
  const unknown = (id: string) => ({
    code: 'conflict',
    message: `the job ${id} of this idempotency key is gone, and nobody knows how it ended`,
    hint: expect.stringContaining('use a new key'),
  })

  it('is refused, because nobody knows what became of it', async () => {
    const queue = q.newQueue()
    const { id } = await first(queue)
    await q.redis.del(jobKey(queue, id))
    await expect(again(queue)).rejects.toMatchObject(unknown(id))
    expect(await q.redis.zcard(bullKeys(queue).prioritized)).toBe(1)
  })

  it('is not told of an end that a redrive has undone', async () => {
    const queue = q.newQueue()
    const { id } = await first(queue)
    const { consumer } = await q.consume(queue, async () => dead('no'))
    await q.readWhen(queue, id, ({ status }) => status === 'failed')
    await consumer.stop(0)
    await redriveJob(q.redis, { queue, id }, by)
    await q.redis.del(jobKey(queue, id))
    await expect(again(queue)).rejects.toMatchObject(unknown(id))
  })
})

describe('the record of an idempotency key', () => {
  it('does not come back with the end of its job', async () => {
    const queue = q.newQueue()
    const { id } = await first(queue)
    await q.redis.del(await records(queue))
    await q.consume(queue, succeed)
    await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    expect(await records(queue)).toEqual([])
  })

  it('is not told of the end of an earlier job that had the same key', async () => {
    const queue = q.newQueue()
    const { id: earlier } = await first(queue)
    await q.redis.del(await records(queue))
    const { id } = await first(queue, { runAt: Date.now() + 60_000 })
    await q.consume(queue, succeed)
    await q.readWhen(queue, earlier, ({ status }) => status === 'succeeded')
    await q.redis.del(jobKey(queue, id))
    await expect(again(queue)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining(id) })
  })
})
