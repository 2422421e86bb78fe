import { atEndOfFile, startRedis } from '@foliot/testkit'
import { expect, it } from 'vitest'
import { connectForLoops, connectForRequests, untilReady } from './connection.ts'
import { WriteWatch } from './write-watch.ts'

async function watchOf(connect = connectForLoops) {
  const server = await startRedis()
  const redis = connect(server.url)
  redis.on('error', () => undefined)
  atEndOfFile(async () => redis.disconnect())
  await untilReady(redis, 10_000)
  const news: string[] = []
  const watch = new WriteWatch(redis, {
    onRefused: ({ state }) => news.push(state),
    onTaken: () => news.push('taken'),
  })
  return { server, redis, watch, news }
}

it('tells once that writes are refused and once that they are taken, and writes nothing', async () => {
  const { redis, watch, news } = await watchOf()
  await watch.look()
  await redis.config('SET', 'maxmemory', '1')
  for (let i = 0; i < 3; i++) await watch.look()
  expect(news).toEqual([expect.stringMatching(/^Redis is full \(used_memory [\d.]+[KM], maxmemory 1B\)$/)])
  await redis.config('SET', 'maxmemory', '0')
  for (let i = 0; i < 10; i++) await watch.look()
  expect(news).toEqual([expect.any(String), 'taken'])
  expect(await redis.dbsize()).toBe(0)
})

it('tells it once to looks that are under way at the same time', async () => {
  const { redis, watch, news } = await watchOf()
  await redis.config('SET', 'maxmemory', '1')
  await Promise.all([watch.look(), watch.look()])
  expect(news).toHaveLength(1)
})

it('does not take a moment with room for the end of it', async () => {
  const { redis, watch, news } = await watchOf()
  for (let i = 0; i < 3; i++) {
    await redis.config('SET', 'maxmemory', '1')
    await watch.look()
    await redis.config('SET', 'maxmemory', '0')
    for (let calm = 0; calm < 3; calm++) await watch.look()
  }
  expect(news).toHaveLength(1)
})

it('knows nothing of the writes of a Redis that is away', async () => {
  const { server, watch, news } = await watchOf(connectForRequests)
  await server.kill()
  await expect(watch.look()).rejects.toThrow()
  expect(news).toEqual([])
})
