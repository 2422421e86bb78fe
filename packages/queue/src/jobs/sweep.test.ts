import { waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { discardJobs } from '../fixtures/dead-letters.ts'
import { dead, openTestQueues, succeed } from '../fixtures/test-queues.ts'
import { bullKeys, jobKey, logsKey, sweepLeaseKey } from '../keys.ts'
import { readQueue } from '../queues/queues.ts'
import { cancelJob } from './moves.ts'
import { RETENTION } from './retention.ts'
import { SWEEP_EVERY_MS, sweepQueue } from './sweep.ts'

const q = await openTestQueues()
const by = { by: 'test' }

/** Has the end of a job be longer ago. */
async function age(queue: string, id: string, seconds: number): Promise<void> {
  const ms = seconds * 1000
  const finishedOn = Number(await q.redis.hget(jobKey(queue, id), 'finishedOn'))
  await q.redis.hset(jobKey(queue, id), 'finishedOn', String(finishedOn - ms))
  const { completed, failed } = bullKeys(queue)
  for (const set of [completed, failed]) if (await q.redis.zscore(set, id)) await q.redis.zincrby(set, -ms, id)
}

/** Puts so many cancelled jobs into `completed` as a cancel does, one each millisecond, oldest first. */
async function fill(queue: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, n) => `old-${n}`)
  const since = Date.now() - count
  const { completed } = bullKeys(queue)
  for (let from = 0; from < count; from += 1000) {
    const writes = q.redis.pipeline()
    for (let n = from; n < Math.min(count, from + 1000); n++) {
      writes.hset(jobKey(queue, `old-${n}`), 'name', 'old', 'st', 'cancelled', 'finishedOn', since + n)
      writes.zadd(completed, since + n, `old-${n}`)
    }
    await writes.exec()
  }
  return ids
}

const countJobs = async (queue: string): Promise<number> => (await q.redis.keys(`${bullKeys(queue).base}old-*`)).length

/** An idle queue with one job of each end. */
async function withEnds() {
  const queue = q.newQueue()
  const add = async (input: string) => (await q.add(queue, { input })).id
  const { consumer } = await q.consume(queue, async (attempt) => {
    attempt.log('a line')
    await attempt.flushLog()
    return attempt.claim.input === 'succeeded' ? succeed() : dead('no')
  })
  const ids = { succeeded: await add('succeeded'), failed: await add('failed'), discarded: await add('discarded') }
  await q.readWhen(queue, ids.discarded, ({ status }) => status === 'failed')
  await consumer.stop(0)
  await discardJobs(q.redis, queue, [ids.discarded], by)
  const cancelled = await add('cancelled')
  await cancelJob(q.redis, { queue, id: cancelled }, by)
  const waiting = await add('waiting')
  return { queue, ids: { ...ids, cancelled }, waiting }
}

const exist = (queue: string, ids: string[]): Promise<number[]> =>
  Promise.all(ids.map((id) => q.redis.exists(jobKey(queue, id))))

describe('sweepQueue', () => {
  it('keeps what is within its time', async () => {
    const { queue, ids } = await withEnds()
    await age(queue, ids.succeeded, RETENTION.completed.age - 60)
    await age(queue, ids.failed, RETENTION.failed.age - 60)
    expect(await sweepQueue(q.redis, queue)).toBe(0)
    expect(await exist(queue, Object.values(ids))).toEqual([1, 1, 1, 1])
  })

  it('removes what is past its time, with its log, and nothing that waits', async () => {
    const { queue, ids, waiting } = await withEnds()
    for (const id of Object.values(ids)) await age(queue, id, RETENTION.failed.age + 60)
    expect(await sweepQueue(q.redis, queue)).toBe(4)
    expect(await exist(queue, [...Object.values(ids), waiting])).toEqual([0, 0, 0, 0, 1])
    expect(await q.redis.exists(logsKey(queue, ids.succeeded), bullKeys(queue).failed, bullKeys(queue).completed)).toBe(
      0,
    )
  })

  it('keeps a dead letter for longer than a success', async () => {
    const { queue, ids } = await withEnds()
    await age(queue, ids.succeeded, RETENTION.completed.age + 60)
    await age(queue, ids.failed, RETENTION.completed.age + 60)
    expect(await sweepQueue(q.redis, queue)).toBe(1)
    expect(await exist(queue, [ids.succeeded, ids.failed])).toEqual([0, 1])
  })

  it('is done by one of many at a time, once a minute', async () => {
    const { queue, ids } = await withEnds()
    await age(queue, ids.succeeded, RETENTION.completed.age + 60)
    const removed = await Promise.all(Array.from({ length: 5 }, () => sweepQueue(q.redis, queue)))
    expect(removed.sort()).toEqual([0, 0, 0, 0, 1])
    await age(queue, ids.failed, RETENTION.failed.age + 60)
    expect(await sweepQueue(q.redis, queue)).toBe(0)
    const left = await q.redis.pttl(sweepLeaseKey(queue))
    expect([left > 0, left < SWEEP_EVERY_MS]).toEqual([true, true])
  })
})

describe('a queue with more finished jobs than it may have', () => {
  const { count, limit } = RETENTION.completed

  it('loses a bounded number of them, the oldest, with each job that ends, until it has as many as it may', async () => {
    const queue = q.newQueue()
    const old = await fill(queue, 20_000)
    await q.consume(queue, succeed)
    const { id } = await q.add(queue)
    await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    const { completed } = bullKeys(queue)
    expect([await q.redis.zcard(completed), await countJobs(queue)]).toEqual([20_001 - limit, 20_000 - limit])
    expect(await q.redis.zrange(completed, '0', '0')).toEqual([old[limit]])
    expect(await exist(queue, [old[limit - 1] as string, old[limit] as string])).toEqual([0, 1])
    const more = Math.ceil((20_000 - count) / (limit - 1))
    for (let n = 0; n < more; n++) await q.add(queue)
    await waitUntil(async () => (await readQueue(q.redis, queue)).counts.queued === 0)
    await waitUntil(async () => (await q.redis.llen(bullKeys(queue).active)) === 0)
    // They go together, so that some are left that are too many, but not enough for that.
    const left = await q.redis.zcard(completed)
    expect([left >= count, left < count + limit]).toEqual([true, true])
    expect(await q.redis.exists(jobKey(queue, id))).toBe(1)
  })

  it('loses a bounded number of those that are past their time', async () => {
    const queue = q.newQueue()
    const old = await fill(queue, 3 * limit)
    const { completed } = bullKeys(queue)
    for (const id of old) await q.redis.zincrby(completed, -(RETENTION.completed.age + 60) * 1000, id)
    await q.consume(queue, succeed)
    const { id } = await q.add(queue)
    await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    expect([await q.redis.zcard(completed), await countJobs(queue)]).toEqual([2 * limit + 1, 2 * limit])
  })

  it('loses them also when it is idle', async () => {
    const queue = q.newQueue()
    const old = await fill(queue, count + 2500)
    expect(await sweepQueue(q.redis, queue)).toBe(2500)
    expect(await q.redis.zrange(bullKeys(queue).completed, '0', '0')).toEqual([old[2500]])
    expect(await countJobs(queue)).toBe(count)
  })
})
