import { setImmediate } from 'node:timers/promises'
import { atEndOfFile, startRedis, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { dead, openTestQueues, retry, succeed } from '../fixtures/test-queues.ts'
import { bullKeys } from '../keys.ts'
import { connectForRequests } from '../redis/connection.ts'
import { EventFeed } from './event-feed.ts'
import { FinishWatch } from './finish-watch.ts'
import { cancelJob } from './moves.ts'

const q = await openTestQueues()

function newWatch(redis = q.redis): FinishWatch {
  const feed = new EventFeed(redis)
  const watch = new FinishWatch(feed)
  atEndOfFile(async () => {
    watch.stop()
    feed.stop()
  })
  return watch
}

/** How many connections there are to this database. */
async function clients(redis = q.redis): Promise<number> {
  const list = (await redis.client('LIST')) as string
  return list.split('\n').filter((line) => line.includes(` db=${redis.options.db ?? 0} `)).length
}

/** Whether the promise has settled, once all that follows from what has happened so far is done. */
const isSettled = (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([promise.then(() => true), setImmediate(false)])

describe('FinishWatch', () => {
  it.each([
    ['succeeds', succeed],
    ['fails', async () => dead('no')],
    ['cancels itself', async () => ({ kind: 'cancelled', by: 'handler', reason: 'r' }) as const],
  ])('wakes when the job %s', async (_, run) => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    const { done, release } = await newWatch().watch({ queue, id })
    await q.consume(queue, run)
    await done
    expect((await q.read(queue, id)).finishedAt).toBeDefined()
    release()
  })

  it('wakes when the job is cancelled while it waits', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    const { done, release } = await newWatch().watch({ queue, id })
    await cancelJob(q.redis, { queue, id }, { by: 'test' })
    await done
    release()
  })

  it('does not wake for another job, nor for an attempt that is retried', async () => {
    const queue = q.newQueue()
    const watch = newWatch()
    const [retried, other] = [await q.add(queue, { input: 'retry' }), await q.add(queue)]
    const waiters = {
      retried: await watch.watch({ queue, id: retried.id }),
      other: await watch.watch({ queue, id: other.id }),
    }
    await q.consume(queue, async ({ claim }) => (claim.input === 'retry' ? retry(60_000) : succeed()))
    await waiters.other.done
    expect((await q.read(queue, retried.id)).status).toBe('retrying')
    expect(await isSettled(waiters.other.done)).toBe(true)
    expect(await isSettled(waiters.retried.done)).toBe(false)
    for (const { release } of Object.values(waiters)) release()
  })

  it('wakes everybody who waits for the job, over one connection for each queue', async () => {
    const queues = [q.newQueue(), q.newQueue()]
    const watch = newWatch()
    const before = await clients()
    const jobs = await Promise.all(queues.map((queue) => q.add(queue)))
    const refs = [...jobs, ...jobs, ...jobs].map(({ queue, id }) => ({ queue, id }))
    const waiters = await Promise.all(refs.map((ref) => watch.watch(ref)))
    expect(await clients()).toBe(before + 2)
    for (const queue of queues) await q.consume(queue, succeed)
    await Promise.all(waiters.map(({ done }) => done))
    for (const { release } of waiters) release()
  })

  it('misses no end that comes after it was set up, and none of many', async () => {
    const queue = q.newQueue()
    const watch = newWatch()
    await q.consume(queue, succeed, { concurrency: 20, redis: q.connect() })
    await Promise.all(
      Array.from({ length: 300 }, async () => {
        const { id } = await q.add(queue)
        const { done, release } = await watch.watch({ queue, id })
        if ((await q.read(queue, id)).status !== 'succeeded') await done
        expect((await q.read(queue, id)).status).toBe('succeeded')
        release()
      }),
    )
  })

  it('forgets who was released, and ends its connection when nobody waits any more', async () => {
    const queue = q.newQueue()
    const watch = newWatch()
    const before = await clients()
    const { id } = await q.add(queue)
    const [one, two] = [await watch.watch({ queue, id }), await watch.watch({ queue, id })]
    one.release()
    one.release()
    await cancelJob(q.redis, { queue, id }, { by: 'test' })
    await two.done
    expect(await isSettled(one.done)).toBe(false)
    two.release()
    // Other connections of this database may have come or gone in the meantime.
    await waitUntil(async () => (await clients()) <= before)
    const { id: next } = await q.add(queue)
    const three = await watch.watch({ queue, id: next })
    await cancelJob(q.redis, { queue, id: next }, { by: 'test' })
    await three.done
    three.release()
  })

  it('wakes everybody when it is stopped', async () => {
    const queue = q.newQueue()
    const watch = newWatch()
    const { id } = await q.add(queue)
    const waiters = [await watch.watch({ queue, id }), await watch.watch({ queue: q.newQueue(), id })]
    watch.stop()
    watch.stop()
    await Promise.all(waiters.map(({ done }) => done))
    for (const { release } of waiters) release()
  })

  it('wakes everybody when it can no longer read the events', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    const { done, release } = await newWatch().watch({ queue, id })
    await q.redis.multi().del(bullKeys(queue).events).set(bullKeys(queue).events, 'no stream').exec()
    await done
    release()
  })

  it('wakes everybody when Redis goes, says so to whoever comes then, and works again when it is back', async () => {
    const server = await startRedis()
    const own = await openTestQueues(server.url)
    const requests = connectForRequests(server.url)
    requests.on('error', () => undefined)
    atEndOfFile(async () => requests.disconnect())
    const queue = own.newQueue()
    const { id } = await own.add(queue)
    const watch = newWatch(requests)
    const waiter = await watch.watch({ queue, id })
    await server.kill()
    await waiter.done
    waiter.release()
    await expect(watch.watch({ queue, id })).rejects.toThrow(/clos|connect|retr/i)
    await startRedis({ dir: server.dir, port: server.port })
    const again = await waitUntil(() => watch.watch({ queue, id }))
    await cancelJob(own.redis, { queue, id }, { by: 'test' })
    await again.done
    again.release()
  })
})
