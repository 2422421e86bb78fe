import { atEndOfFile, startRedis, waitUntil } from '@foliot/testkit'
import type { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { connectForLoops } from './connection.ts'
import { RedisConnection } from './redis-connection.ts'

const silent = { info() {}, warn() {}, error() {} }

/** Unlike `once` of node:events it does not mind the errors in between. */
const event = (redis: Redis, name: string): Promise<void> => new Promise((resolve) => redis.once(name, resolve))

function connect(url: string) {
  const redis = connectForLoops(url)
  const connection = new RedisConnection({ redis, whileRefused: 'nothing is done', log: silent })
  atEndOfFile(() => connection.stop())
  return { redis, connection }
}

describe('RedisConnection', () => {
  it('waits for Redis, and knows when it goes and comes back', async () => {
    const first = await startRedis()
    await first.kill()
    const { redis, connection } = connect(first.url)
    const started = connection.start()
    await event(redis, 'close')
    expect(connection).toMatchObject({ isUp: false, upSince: 0 })

    const second = await startRedis({ dir: first.dir, port: first.port })
    await started
    const { upSince } = connection
    expect(connection.isUp).toBe(true)
    expect(upSince).toBeGreaterThan(0)

    const gone = event(redis, 'close')
    await second.kill()
    await gone
    expect(connection).toMatchObject({ isUp: false, upSince })

    const back = event(redis, 'ready')
    await startRedis({ dir: first.dir, port: first.port })
    await back
    expect(connection.isUp).toBe(true)
    expect(connection.upSince).toBeGreaterThan(upSince)
  })

  it('refuses a Redis that may evict keys', async () => {
    const { url } = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] })
    await expect(connect(url).connection.start()).rejects.toMatchObject({
      code: 'unavailable',
      message: 'expected Redis with maxmemory-policy noeviction, got allkeys-lru',
      hint: expect.stringContaining('maxmemory-policy noeviction'),
    })
  })

  it('waits at the start for one that refuses writes', async () => {
    const { url } = await startRedis()
    const { redis, connection } = connect(url)
    await redis.config('SET', 'maxmemory', '1')
    const started = connection.start().then(() => redis.config('GET', 'maxmemory'))
    await waitUntil(() => connection.lastRefused > 0)
    await redis.config('SET', 'maxmemory', '0')
    expect(await started).toEqual(['maxmemory', '0'])
  })

  it('knows when it was last refused', async () => {
    const { url } = await startRedis()
    const { redis, connection } = connect(url)
    await connection.start()
    expect(connection.lastRefused).toBe(0)
    await redis.config('SET', 'maxmemory', '1')
    const first = await waitUntil(() => connection.lastRefused || undefined)
    expect(
      await waitUntil(() => (connection.lastRefused > first ? connection.lastRefused : undefined)),
    ).toBeGreaterThan(first)
  })

  it('is stopped while it waits, and twice', async () => {
    const server = await startRedis()
    await server.kill()
    const { redis, connection } = connect(server.url)
    connection.start().catch(() => undefined)
    await event(redis, 'close')
    await connection.stop()
    await connection.stop()
    expect(connection.isUp).toBe(false)
  })
})
