import { atEndOfFile, startRedis, waitUntil } from '@foliot/testkit'
import type { Redis } from 'ioredis'
import { describe, expect, it, vi } from 'vitest'
import { type Enqueued, enqueue, enqueueMany } from '../enqueue/enqueue.ts'
import { newJob } from '../fixtures/test-queues.ts'
import { bullKeys } from '../keys.ts'
import { connectForRequests, olderVersion, untilReady } from './connection.ts'
import { Disk } from './disk.ts'
import { defineScripts } from './scripts.ts'

vi.setConfig({ maxConcurrency: 20 })

/** A Redis of its own, because its disk is what is tested, and jobs that wait for it. */
async function openBed(...args: string[]) {
  const server = await startRedis({ args })
  const redis = defineScripts(connectForRequests(server.url))
  redis.on('error', () => undefined)
  atEndOfFile(async () => redis.disconnect())
  await untilReady(redis, 10_000)
  const disk = new Disk(redis)
  const durable = (input: unknown, key?: string) =>
    newJob('mail', { input, durability: 'fsync', ...(key && { idempotency: { key, fingerprint: '' } }) })
  return {
    server,
    redis,
    disk,
    durable,
    add: (input: unknown, key?: string): Promise<Enqueued> => enqueue(redis, durable(input, key), disk),
    stored: () => redis.llen(bullKeys('mail').wait),
  }
}

/** How often Redis was told to wait for its disk. */
const waits = async (redis: Redis): Promise<number> =>
  Number(/cmdstat_waitaof:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0)

const { redis: any } = await openBed()
const version = olderVersion(await any.info(), [7, 2])

describe.runIf(version)('a Redis before 7.2', () => {
  it('cannot say when a write is on its disk, which is said with what would help', async () => {
    const { disk } = await openBed()
    await expect(disk.assertAvailable()).rejects.toMatchObject({
      code: 'durability_unavailable',
      message: `expected Redis 7.2 or later, which can tell when a write is on its disk, got ${version}`,
      hint: expect.stringContaining('leave `durability` out'),
    })
  })

  it('that is asked all the same stores the job, and the answer is no promise', async () => {
    const { add, stored } = await openBed()
    await expect(add(1)).rejects.toMatchObject({
      code: 'unavailable',
      hint: expect.stringContaining('same idempotency'),
    })
    expect(await stored()).toBe(1)
  })
})

describe.runIf(!version).concurrent('a Redis that can say when a write is on its disk', () => {
  it('is taken by its word', async () => {
    const { disk, redis, add, stored } = await openBed()
    await disk.assertAvailable()
    expect((await add(1)).job.status).toBe('queued')
    expect([await waits(redis), await stored()]).toEqual([1, 1])
  })

  it('is waited for, while other requests are answered', async () => {
    // Written, but only the system decides when it is on the disk.
    const { redis, disk, add, stored } = await openBed('--appendfsync', 'no')
    const order: string[] = []
    const waiting = add(1).then(
      () => order.push('on disk'),
      ({ code, message }) => order.push(code, message),
    )
    await waitUntil(stored)
    await enqueue(redis, newJob('mail'), disk).then(() => order.push('in memory'))
    await waiting
    const why = 'the job may be stored, but not on the disk of Redis: the disk of Redis was not reached within 3000 ms'
    expect(order).toEqual(['in memory', 'unavailable', why])
  })

  it('is waited for again when a request is repeated, though that writes nothing', async () => {
    const { redis, add, stored } = await openBed('--appendfsync', 'no')
    await expect(add(1, 'once')).rejects.toMatchObject({ code: 'unavailable' })
    await expect(add(1, 'once')).rejects.toMatchObject({ code: 'unavailable' })
    await redis.config('SET', 'appendfsync', 'everysec')
    expect(await add(1, 'once')).toMatchObject({ replayed: true })
    expect([await stored(), await waits(redis)]).toEqual([1, 3])
  })

  it('is waited for by many at once, together', async () => {
    const { redis, add, stored } = await openBed()
    await Promise.all(Array.from({ length: 100 }, (_, n) => add(n)))
    expect(await stored()).toBe(100)
    // The first alone, then those who came meanwhile.
    expect(await waits(redis)).toBe(2)
  })

  it('has a batch wait for its disk only with the jobs that ask for it', async () => {
    const { redis, disk, durable } = await openBed('--appendfsync', 'no')
    const jobs = [newJob('mail', { input: 0 }), durable(1), newJob('mail', { input: 2 }), durable(3)]
    const results = await enqueueMany(redis, jobs, disk)
    expect(results).toMatchObject([
      { job: { input: 0 } },
      { code: 'unavailable' },
      { job: { input: 2 } },
      { code: 'unavailable' },
    ])
    expect(await waits(redis)).toBe(1)
  })

  it('runs a script that it has forgotten', async () => {
    const { redis, add } = await openBed()
    await redis.script('FLUSH')
    expect((await add(1)).job.status).toBe('queued')
  })

  it('is no help once its file is switched off', async () => {
    const { redis, disk, add } = await openBed()
    await disk.assertAvailable()
    await redis.config('SET', 'appendonly', 'no')
    await expect(add(1)).rejects.toMatchObject({ code: 'unavailable' })
    await expect(disk.assertAvailable()).rejects.toMatchObject({
      code: 'durability_unavailable',
      message: 'expected a Redis that writes its append-only file, got one that does not',
      hint: expect.stringContaining('CONFIG SET appendonly yes'),
    })
  })

  it('that dies while it is waited for leaves the answer open, and the same key finds the job', async () => {
    const { server, redis, add, stored } = await openBed('--appendfsync', 'no')
    const lost = add(1, 'once')
    await waitUntil(stored)
    await Promise.all([server.kill(), expect(lost).rejects.toMatchObject({ code: 'unavailable' })])
    await startRedis({ dir: server.dir, port: server.port })
    await waitUntil(() => redis.ping())
    const again = await waitUntil(() => add(1, 'once'))
    expect([again.replayed, await stored()]).toEqual([true, 1])
  })

  it('that hangs is not waited for as its disk is, and the same key finds the job', async () => {
    const { server, add, stored } = await openBed()
    await add(0)
    process.kill(server.pid, 'SIGSTOP')
    const why = 'the job may be stored, but not on the disk of Redis: Redis stopped answering'
    // The second waits for the first, and does not begin to wait anew.
    const lost = await Promise.allSettled([add(1, 'once'), add(1, 'once')])
    expect(lost).toMatchObject([{ reason: { code: 'unavailable', message: why } }, { reason: { code: 'unavailable' } }])
    process.kill(server.pid, 'SIGCONT')
    const job = await waitUntil(() => add(1, 'once'))
    expect([job.job.status, await stored()]).toEqual(['queued', 2])
  })

  it('keeps no connection when the one for requests is closed', async () => {
    const { server, redis, add } = await openBed()
    await add(1)
    const other = connectForRequests(server.url)
    atEndOfFile(async () => other.disconnect())
    await untilReady(other, 10_000)
    const clients = async (): Promise<number> =>
      String(await other.client('LIST'))
        .trim()
        .split('\n').length
    expect(await clients()).toBe(3)
    redis.disconnect()
    await waitUntil(async () => (await clients()) === 1)
  })
})
