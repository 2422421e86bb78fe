import { newJobId } from '@foliot/jobs'
import { waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { enqueueMany } from './enqueue.ts'
import { dead, newJob, openTestQueues, succeed } from './fixtures/test-queues.ts'
import { bullKeys, operationKey } from './keys.ts'
import { type OperationRequest, readOperation, startOperation } from './operations.ts'
import { pauseQueue, readQueue, resumeQueue } from './queues.ts'

const q = await openTestQueues()

/** A queue with this many dead letters, paused. */
async function withDeadLetters(count: number, job: Parameters<typeof newJob>[1] = {}) {
  const queue = q.newQueue()
  const jobs = Array.from({ length: count }, (_, input) => newJob(queue, { input, ...job }))
  const ids = (await enqueueMany(q.redis, jobs)).map((result) => (result as { job: { id: string } }).job.id)
  const { consumer } = await q.consume(queue, async () => dead('no'), { concurrency: 20 })
  await waitUntil(async () => (await readQueue(q.redis, queue)).counts.failed === count, { timeoutMs: 20_000 })
  await consumer.stop(0)
  await pauseQueue(q.redis, queue)
  return { queue, ids }
}

async function run(request: Partial<OperationRequest> & { filter: OperationRequest['filter'] }) {
  const { operation, finished } = await startOperation(q.redis, {
    kind: 'redrive',
    dryRun: false,
    reason: { by: 'test', reason: 'mended' },
    ...request,
  })
  return { operation, finished: await finished }
}

const counts = async (queue: string) => (await readQueue(q.redis, queue)).counts

describe('startOperation', () => {
  it('redrives every dead letter of its queues, and can be read from the start', async () => {
    const [a, b] = [await withDeadLetters(1203), await withDeadLetters(3)]
    const { operation, finished } = await startOperation(q.redis, {
      kind: 'redrive',
      filter: { queues: [a.queue, b.queue] },
      dryRun: false,
      reason: { by: 'test' },
    })
    expect(operation).toMatchObject({
      kind: 'redrive',
      state: 'running',
      dryRun: false,
      matched: 0,
      moved: 0,
      sample: [],
    })
    expect(await readOperation(q.redis, operation.id)).toMatchObject({ id: operation.id, kind: 'redrive' })
    const last = await finished
    expect(last).toMatchObject({ state: 'completed', matched: 1206, moved: 1206, finishedAt: expect.any(String) })
    expect(last.sample).toHaveLength(10)
    expect([...a.ids, ...b.ids]).toEqual(expect.arrayContaining(last.sample))
    expect(await readOperation(q.redis, operation.id)).toEqual(last)
    expect([await counts(a.queue), await counts(b.queue)]).toMatchObject([
      { queued: 1203, failed: 0 },
      { queued: 3, failed: 0 },
    ])
    expect((await q.read(a.queue, a.ids[0] as string)).timeline.at(-1)).toMatchObject({
      event: 'redriven',
      detail: 'by test',
    })
  })

  it('discards those that fit the filter', async () => {
    const { queue, ids } = await withDeadLetters(4)
    const wanted = new Set([ids[1] as string, ids[3] as string, newJobId(Date.now())])
    const { finished } = await run({ kind: 'discard', filter: { queues: [queue], ids: wanted } })
    expect(finished).toMatchObject({ kind: 'discard', state: 'completed', matched: 2, moved: 2 })
    expect(await counts(queue)).toMatchObject({ failed: 2, queued: 0 })
    expect((await q.read(queue, ids[1] as string)).discardedAt).toBeDefined()
    expect((await q.read(queue, ids[0] as string)).discardedAt).toBeUndefined()
  })

  it('only counts and shows in a dry run', async () => {
    const { queue, ids } = await withDeadLetters(3)
    const { finished } = await run({ filter: { queues: [queue] }, dryRun: true })
    expect(finished).toMatchObject({ state: 'completed', dryRun: true, matched: 3, moved: 0 })
    expect(finished.sample.sort()).toEqual(ids.sort())
    expect(await counts(queue)).toMatchObject({ failed: 3, queued: 0 })
  })

  it('matches nothing where nothing fits', async () => {
    const { queue } = await withDeadLetters(1)
    const { finished } = await run({ filter: { queues: [queue], type: 'test.other' } })
    expect(finished).toMatchObject({ state: 'completed', matched: 0, moved: 0, sample: [] })
  })

  it('does not meet twice a job that dies again while it goes on', async () => {
    const { queue } = await withDeadLetters(1100)
    await resumeQueue(q.redis, queue)
    const died = new Map<string, number>()
    await q.consume(
      queue,
      async ({ claim }) => {
        died.set(claim.id, (died.get(claim.id) ?? 0) + 1)
        return dead('again')
      },
      { concurrency: 50, redis: q.connect() },
    )
    const { finished } = await run({ filter: { queues: [queue] } })
    expect(finished).toMatchObject({ state: 'completed', matched: 1100, moved: 1100 })
    await waitUntil(async () => (await counts(queue)).failed === 1100)
    expect(new Set(died.values())).toEqual(new Set([1]))
  })

  it('shares the work with another that goes on at the same time', async () => {
    const { queue } = await withDeadLetters(1500)
    const both = await Promise.all([run({ filter: { queues: [queue] } }), run({ filter: { queues: [queue] } })])
    expect(both.reduce((sum, { finished }) => sum + finished.moved, 0)).toBe(1500)
    expect(await counts(queue)).toMatchObject({ failed: 0, queued: 1500 })
  })

  it('has redriven jobs run', async () => {
    const { queue, ids } = await withDeadLetters(2)
    await resumeQueue(q.redis, queue)
    await q.consume(queue, succeed)
    await run({ filter: { queues: [queue] } })
    for (const id of ids) {
      expect(await q.readWhen(queue, id, ({ status }) => status === 'succeeded')).toMatchObject({
        attempt: 2,
        attemptsUsed: 0,
      })
    }
  })

  it('tells why it stopped, and what was moved by then', async () => {
    const [good, bad] = [await withDeadLetters(2), q.newQueue()]
    await q.redis.set(bullKeys(bad).failed, 'no set')
    const { operation, finished } = await run({ filter: { queues: [good.queue, bad] } })
    expect(finished).toMatchObject({
      state: 'failed',
      matched: 2,
      moved: 2,
      error: expect.stringContaining('WRONGTYPE'),
    })
    expect(await readOperation(q.redis, operation.id)).toEqual(finished)
  })
})

describe('readOperation', () => {
  it.each([newJobId(Date.now()), '', 'x', '../x', 'x'.repeat(1000)])('finds none under the id %s', async (id) => {
    await expect(readOperation(q.redis, id)).rejects.toMatchObject({ code: 'not_found', status: 404 })
  })

  it('finds it for a day', async () => {
    const { operation } = await run({ filter: { queues: [] } })
    const left = await q.redis.pttl(operationKey(operation.id))
    expect(left).toBeGreaterThan(23 * 60 * 60 * 1000)
    expect(left).toBeLessThanOrEqual(24 * 60 * 60 * 1000)
  })
})
