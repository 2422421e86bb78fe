import { askRedis } from '@foliot/local-services'
import { expect, inject, it } from 'vitest'
import { testRedisUrl } from './test-redis-url.ts'

it('gives each caller a database of its own on the shared server', async () => {
  const urls = await Promise.all(Array.from({ length: 5 }, () => testRedisUrl()))
  expect(new Set(urls).size).toBe(5)
  const port = inject('foliotTestRedisPort')
  for (const url of urls) expect(url).toMatch(new RegExp(`^redis://127\\.0\\.0\\.1:${port}/[1-9]\\d*$`))
})

it('gives an empty database, which the server has', async () => {
  const url = new URL(await testRedisUrl())
  // A command per connection: SELECT and DBSIZE cannot follow each other, a script can.
  const script = `redis.call('SELECT', ARGV[1]) return redis.call('DBSIZE')`
  expect(await askRedis({ port: Number(url.port) }, ['EVAL', script, 0, url.pathname.slice(1)])).toBe(0)
})
