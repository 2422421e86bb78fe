import { describe, expect, it } from 'vitest'
import { RETENTION } from '../attempts/consumer.ts'
import { dead, openTestQueues, succeed } from '../fixtures/test-queues.ts'
import { bullKeys, jobKey, logsKey, sweepLeaseKey } from '../keys.ts'
import { cancelJob, discardJobs } from './moves.ts'
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
