import { waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { startTcpProxy } from '../fixtures/tcp-proxy.ts'
import { openTestQueues, succeed, untilStopped } from '../fixtures/test-queues.ts'
import { limitQueue, pauseQueue, resumeQueue } from '../queues/queues.ts'
import type { RunningAttempt } from './running-attempt.ts'
import type { Settlement } from './settlement.ts'
import { findStuck } from './stuck.ts'

const q = await openTestQueues()

describe('findStuck', () => {
  it('counts what waits and may be taken', async () => {
    const queue = q.newQueue()
    expect(await findStuck(q.redis, queue)).toBe(0)
    for (const job of [{}, {}, { priority: 2 }, { runAt: Date.now() + 60_000 }]) await q.add(queue, job)
    expect(await findStuck(q.redis, queue)).toBe(3)
  })

  it('counts nothing in a queue that is paused, full, or at its rate limit', async () => {
    const queue = q.newQueue()
    await q.add(queue)
    await pauseQueue(q.redis, queue)
    expect(await findStuck(q.redis, queue)).toBe(0)
    await resumeQueue(q.redis, queue)
    expect(await findStuck(q.redis, queue)).toBe(1)

    await limitQueue(q.redis, queue, { concurrency: 1, rateLimit: { max: 1, perMs: 60_000 } })
    expect(await findStuck(q.redis, queue)).toBe(1)
    const { consumer } = await q.consume(queue, untilStopped)
    const { id } = await q.add(queue)
    await q.readWhen(queue, id, () => consumer.running.length === 1)
    expect(await findStuck(q.redis, queue)).toBe(0)
    await consumer.stop(0)
    expect(await findStuck(q.redis, queue)).toBe(0)
    await limitQueue(q.redis, queue, { rateLimit: null })
    expect(await findStuck(q.redis, queue)).toBe(2)
  })
})

/** How many clients of this database wait for a job. */
async function blockedClients(db: string): Promise<number> {
  const clients = String(await q.redis.client('LIST')).split('\n')
  return clients.filter((line) => line.includes(` db=${db} `) && /flags=\S*b.* cmd=bzpopmin/.test(line)).length
}

describe('a consumer whose loop hangs', () => {
  /** A consumer behind a proxy; its first connection is the one for commands, the next the one that blocks. */
  async function consumeThroughProxy(
    run: (attempt: RunningAttempt) => Promise<Settlement> = succeed,
    options: { concurrency?: number } = {},
  ) {
    const { hostname, port, pathname } = new URL(q.url)
    const proxy = await startTcpProxy(Number(port))
    const queue = q.newQueue()
    const behind = await openTestQueues(`redis://${hostname}:${proxy.port}${pathname}`)
    await behind.redis.ping()
    const stuck: number[] = []
    const { consumer } = await behind.consume(queue, run, {
      ...options,
      stuckAfterMs: 600,
      onStuck: (waiting) => {
        stuck.push(waiting)
        proxy.recover()
      },
    })
    const { id } = await q.add(queue)
    await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    // Until its loop blocks, it fetches by the connection for commands.
    const blocks = () => waitUntil(async () => (await blockedClients(pathname.slice(1))) > 0, { everyMs: 5 })
    await blocks()
    return { proxy, queue, consumer, stuck, blocks }
  }

  it('says so, and starts the loop anew', async () => {
    const { proxy, queue, consumer, stuck } = await consumeThroughProxy()
    proxy.swallow((connection) => connection > 0)
    const { id } = await q.add(queue)
    await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    expect(stuck).toEqual([1])
    const { id: next } = await q.add(queue)
    await q.readWhen(queue, next, ({ status }) => status === 'succeeded')
    await consumer.stop(0)
    expect(stuck).toEqual([1])
  })
  it('waits when it stops for what every loop before runs', async () => {
    const { proxy, queue, consumer, stuck, blocks } = await consumeThroughProxy(
      (attempt) => (attempt.claim.input === 'held' ? untilStopped(attempt) : succeed()),
      { concurrency: 2 },
    )
    const { id: held } = await q.add(queue, { input: 'held' })
    await q.readWhen(queue, held, ({ status }) => status === 'running')
    for (const restarts of [1, 2]) {
      await blocks()
      proxy.swallow((connection) => connection > 0)
      const { id } = await q.add(queue)
      await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
      expect(stuck).toHaveLength(restarts)
    }
    await consumer.stop(1000)
    expect(consumer.running).toEqual([])
    expect(await q.read(queue, held)).toMatchObject({ status: 'queued', attempt: 1, attemptsUsed: 0 })
  })
})
