import { describe, expect, it } from 'vitest'
import { openTestQueues, succeed } from '../fixtures/test-queues.ts'
import { jobKey } from '../keys.ts'
import { countPlaces, listPlace } from './places.ts'

const q = await openTestQueues()
const nothing = { wait: 0, prioritized: 0, active: 0, delayed: 0, completed: 0, failed: 0 }

describe('countPlaces', () => {
  it('counts what lies where', async () => {
    const queue = q.newQueue()
    expect(await countPlaces(q.redis, queue)).toEqual(nothing)
    const { id } = await q.add(queue)
    const { consumer } = await q.consume(queue, succeed)
    await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    await consumer.stop(0)
    for (const job of [{}, {}, { priority: 1 }, { runAt: Date.now() + 60_000 }]) await q.add(queue, job)
    expect(await countPlaces(q.redis, queue)).toEqual({ ...nothing, wait: 2, prioritized: 1, delayed: 1, completed: 1 })
  })
})

describe('listPlace', () => {
  it('lists a part, newest first, without what is gone', async () => {
    const queue = q.newQueue()
    const ids: string[] = []
    for (let n = 0; n < 4; n++) ids.unshift((await q.add(queue)).id)
    const list = async (offset: number, count: number) =>
      (await listPlace(q.redis, queue, 'wait', { offset, count })).map(({ id }) => id)
    expect(await list(0, 10)).toEqual(ids)
    expect(await list(1, 2)).toEqual(ids.slice(1, 3))
    expect(await list(4, 2)).toEqual([])
    await q.redis.del(jobKey(queue, ids[1] as string))
    expect(await list(0, 3)).toEqual([ids[0], ids[2]])
  })
})
