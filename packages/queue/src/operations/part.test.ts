import { describe, expect, it } from 'vitest'
import { redriveOf, withDeadLetters } from '../fixtures/dead-letters.ts'
import { openTestQueues } from '../fixtures/test-queues.ts'
import { jobKey, operationPartKey, operationUnfinishedKey } from '../keys.ts'
import { advancePart, openPart, type PartStep, type StoredPart, tallyPart } from './part.ts'

const q = await openTestQueues()

const step = (ids: readonly string[]): PartStep => ({ ids, reached: { at: 5, id: 'x' }, done: false })

describe('openPart', () => {
  it('gives a part to whoever had the lease last, and to nobody who had it before', async () => {
    const { queue, ids } = await withDeadLetters(q, 3)
    const [first, second] = ['7', '10'].map((token) => ({ id: 'op', token })) as [Lease, Lease]
    const part = (await openPart(q.redis, queue, first)) as StoredPart
    expect(part).toMatchObject({ queue, matched: 0, moved: 0, cursor: undefined, done: false, sample: [] })
    const moved = await advancePart(q.redis, first, redriveOf([queue]), part, step([ids[0] as string]))
    expect(moved).toMatchObject({ matched: 1, moved: 1 })

    const taken = (await openPart(q.redis, queue, second)) as StoredPart
    expect(taken).toEqual(moved)
    for (const kind of ['redrive', 'discard'] as const) {
      const request = redriveOf([queue], { kind })
      expect(await advancePart(q.redis, first, request, part, step(ids))).toBeUndefined()
    }
    expect(await openPart(q.redis, queue, first)).toBeUndefined()
    expect((await q.read(queue, ids[1] as string)).status).toBe('failed')
    expect(await advancePart(q.redis, second, redriveOf([queue]), taken, step(ids))).toMatchObject({
      matched: 4,
      moved: 3,
      cursor: { at: 5, id: 'x' },
      sample: [ids[0], ...ids],
    })
  })
})

describe('tallyPart', () => {
  it('counts what has ended, and what of it died, also by workers of plain BullMQ', async () => {
    const queue = q.newQueue()
    const jobs: Record<string, Record<string, string>> = {
      waiting: { st: 'retrying' },
      succeeded: { finishedOn: '9', st: 'succeeded', returnvalue: 'null' },
      cancelled: { finishedOn: '9', st: 'cancelled' },
      failed: { finishedOn: '9', st: 'failed' },
      timedOut: { finishedOn: '9', st: 'timed_out' },
      plainDone: { finishedOn: '9', returnvalue: '1' },
      plainDead: { finishedOn: '9', st: 'retrying', failedReason: 'no' },
    }
    for (const [id, fields] of Object.entries(jobs)) await q.redis.hset(jobKey(queue, id), { name: 't', ...fields })
    await q.redis.set(jobKey(queue, 'broken'), 'no job')
    const unfinished = operationUnfinishedKey(queue, 'op')
    await q.redis.rpush(unfinished, ...Object.keys(jobs), 'gone', 'broken')
    await q.redis.pexpire(unfinished, 60_000)

    expect(await tallyPart(q.redis, 'op', queue)).toEqual({ ended: 8, failedAgain: 3, left: 1 })
    expect(await q.redis.lrange(unfinished, 0, -1)).toEqual(['waiting'])
    expect(await q.redis.pttl(unfinished)).toBeGreaterThan(0)
    expect(await q.redis.hmget(operationPartKey(queue, 'op'), 'finished', 'failedAgain')).toEqual(['8', '3'])
    expect(await tallyPart(q.redis, 'op', queue)).toEqual({ ended: 0, failedAgain: 0, left: 1 })
    expect(await tallyPart(q.redis, 'other', queue)).toEqual({ ended: 0, failedAgain: 0, left: 0 })
  })
})

type Lease = Parameters<typeof openPart>[2]
