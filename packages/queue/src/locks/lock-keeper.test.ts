import { startProcess, startRedis, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { toClaim } from '../attempts/claim.ts'
import { RunningAttempt } from '../attempts/running-attempt.ts'
import { openTestQueues, succeed, type TestQueues } from '../fixtures/test-queues.ts'
import { jobKey, lockKey } from '../keys.ts'
import { LockKeeper } from './lock-keeper.ts'
import { LockRenewal } from './lock-renewal.ts'

/** Queues in a Redis of their own, in which the connections can be counted. */
async function openOwnQueues(): Promise<TestQueues> {
  const server = await startRedis()
  return openTestQueues(server.url)
}

/** The connections of lock threads, by their ids in Redis. */
async function threads({ redis }: TestQueues): Promise<string[]> {
  const clients = String(await redis.client('LIST')).split('\n')
  return clients.filter((line) => line.includes(' name=foliot-locks ')).map((line) => /^id=(\d+)/.exec(line)?.[1] ?? '')
}

/** Resolves when the lock of a running job was taken again after it was deleted. */
async function relocked(q: TestQueues, queue: string, id: string): Promise<void> {
  await q.redis.del(lockKey(queue, id))
  await waitUntil(() => q.redis.exists(lockKey(queue, id)))
}

/** A job that runs until the test is over. */
async function hold(q: TestQueues) {
  const queue = q.newQueue()
  const { id } = await q.add(queue)
  const begun = Promise.withResolvers<void>()
  const { consumer } = await q.consume(queue, async (attempt) => {
    begun.resolve()
    await attempt.stopped
    return succeed()
  })
  await begun.promise
  return { queue, id, consumer }
}

/** The lock of a job that runs in no consumer, on a connection of its own. */
async function holdAlone(q: TestQueues) {
  const queue = q.newQueue()
  const { id } = await q.add(queue)
  await q.redis.hset(jobKey(queue, id), 'ats', '1')
  const claim = toClaim(queue, id, Object.entries(await q.redis.hgetall(jobKey(queue, id))).flat())
  const redis = q.connect()
  await redis.ping()
  const errors: string[] = []
  const locks = new LockRenewal(redis, queue, ({ message }) => errors.push(message))
  locks.hold(new RunningAttempt(claim, 'mine', redis), { claim, token: 'mine' })
  return { redis, queue, id, locks, errors }
}

// Each has a Redis of its own, and waits for locks to be renewed.
describe.concurrent('LockKeeper', () => {
  it('has one thread for all consumers of a connection, which ends with the last of them', async () => {
    const q = await openOwnQueues()
    const [first, second] = [await hold(q), await hold(q)]
    expect(LockKeeper.of(q.redis)).toBe(LockKeeper.of(q.redis))
    const [thread] = await waitUntil(async () => {
      const all = await threads(q)
      return all.length > 0 ? all : undefined
    })
    await first.consumer.stop(0)
    expect(await threads(q)).toEqual([thread])
    await relocked(q, second.queue, second.id)
    await second.consumer.stop(0)
    await waitUntil(async () => (await threads(q)).length === 0)
    const third = await hold(q)
    await relocked(q, third.queue, third.id)
    expect(await threads(q)).not.toContain(thread)
  })

  it('goes on when the connection of its thread breaks', async () => {
    const q = await openOwnQueues()
    const { queue, id } = await hold(q)
    await relocked(q, queue, id)
    const before = await threads(q)
    for (const thread of before) await q.redis.client('KILL', 'ID', thread)
    await waitUntil(async () => (await threads(q)).some((thread) => !before.includes(thread)))
    await relocked(q, queue, id)
  })

  it('renews locks itself while its thread cannot be started, says so, and starts it when that is mended', async () => {
    const q = await openOwnQueues()
    const { redis, queue, id, locks, errors } = await holdAlone(q)
    const { db } = redis.options
    // No function can be sent to a thread.
    redis.options.tls = { checkServerIdentity: () => undefined }
    await locks.start()
    expect(errors[0]).toMatch(/^the thread that renews locks is gone: .*could not be cloned.*may lose the jobs/)
    await relocked(q, queue, id)
    // With this a thread starts, and dies of it.
    delete redis.options.tls
    Object.assign(redis.options, { db: 'none' })
    await waitUntil(() => errors.some((message) => message.includes('ERR value is not an integer')))
    await relocked(q, queue, id)
    expect(await threads(q)).toEqual([])
    Object.assign(redis.options, { db })
    await waitUntil(async () => (await threads(q)).length > 0)
    // The death of the last thread that could not live may be told after the next one has begun.
    await relocked(q, queue, id)
    const told = errors.length
    await relocked(q, queue, id)
    expect(errors).toHaveLength(told)
    await locks.stop()
  })

  it('renews locks itself while its thread is refused by Redis, and says so', async () => {
    const q = await openOwnQueues()
    const { queue, id, locks, errors } = await holdAlone(q)
    const clients = String(await q.redis.client('LIST'))
      .trim()
      .split('\n')
    await q.redis.config('SET', 'maxclients', clients.length)
    await locks.start()
    await waitUntil(() => errors.some((message) => message.includes('cannot reach Redis, though we can')))
    await relocked(q, queue, id)
    expect(await threads(q)).toEqual([])
    await q.redis.config('SET', 'maxclients', 100)
    await waitUntil(async () => (await threads(q)).length > 0)
    await locks.stop()
  })

  it('keeps no process alive', async () => {
    const q = await openOwnQueues()
    const code = `
      import { connectForLoops } from './packages/queue/src/redis/connection.ts'
      import { LockKeeper } from './packages/queue/src/locks/lock-keeper.ts'
      const redis = connectForLoops(${JSON.stringify(q.url)})
      await LockKeeper.of(redis).join({ owners: [], onError: (error) => console.log(error) })
      console.log('joined')
      redis.disconnect()`
    const child = await startProcess({
      command: [process.execPath, '--conditions=source', '--input-type=module-typescript', '--eval'],
      entry: code,
    })
    expect(await child.exited).toEqual({ code: 0, signal: null })
    expect(child.lines.map(({ text }) => text)).toEqual(['joined'])
  })
})
