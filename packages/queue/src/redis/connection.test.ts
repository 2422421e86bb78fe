import { atEndOfFile, startRedis, waitUntil } from '@foliot/testkit'
import type { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { assertSafeRedis, connectForLoops, connectForRequests, untilReady } from './connection.ts'

function ended(redis: Redis): Redis {
  redis.on('error', () => undefined)
  atEndOfFile(async () => redis.disconnect())
  return redis
}

describe('connectForRequests', () => {
  it('fails at once while Redis is away, after its time while it hangs, and answers again when it is back', async () => {
    const server = await startRedis()
    const redis = ended(connectForRequests(server.url, 100))
    await untilReady(redis, 10_000)
    process.kill(server.pid, 'SIGSTOP')
    await expect(redis.ping()).rejects.toThrow('max retries')
    process.kill(server.pid, 'SIGCONT')
    expect(await waitUntil(() => redis.ping())).toBe('PONG')
    await server.kill()
    await waitUntil(() => redis.status !== 'ready')
    await expect(redis.ping()).rejects.toThrow('enableOfflineQueue')
    await startRedis({ dir: server.dir, port: server.port })
    expect(await waitUntil(() => redis.ping())).toBe('PONG')
  })
})

describe('connectForLoops', () => {
  it('has commands wait until Redis is back', async () => {
    const server = await startRedis()
    const redis = ended(connectForLoops(server.url))
    await untilReady(redis, 10_000)
    await server.kill()
    const answer = redis.ping()
    await startRedis({ dir: server.dir, port: server.port })
    expect(await answer).toBe('PONG')
  })
})

describe('untilReady', () => {
  it('resolves at once when the connection is up', async () => {
    const server = await startRedis()
    const redis = ended(connectForLoops(server.url))
    await untilReady(redis, 10_000)
    await untilReady(redis, 1)
  })

  it('tells where nobody answered, for how long, and why', async () => {
    const server = await startRedis()
    await server.kill()
    const redis = ended(connectForLoops(server.url))
    const failure = `no answer from Redis at 127.0.0.1:${server.port} within 300 ms: connect ECONNREFUSED`
    await expect(untilReady(redis, 300)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(failure),
    })
    expect([redis.listenerCount('ready'), redis.listenerCount('error')]).toEqual([0, 1])
  })
})

describe('assertSafeRedis', () => {
  it('accepts the project’s own configuration', async () => {
    const { url } = await startRedis()
    await assertSafeRedis(ended(connectForLoops(url)))
  })

  it('refuses a Redis that may evict keys, and says how to mend it', async () => {
    const { url } = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] })
    await expect(assertSafeRedis(ended(connectForLoops(url)))).rejects.toMatchObject({
      code: 'unavailable',
      message: 'expected Redis with maxmemory-policy noeviction, got allkeys-lru',
      hint: expect.stringContaining('CONFIG SET maxmemory-policy noeviction'),
    })
  })
})
