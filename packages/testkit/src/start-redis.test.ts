import { askRedis } from '@foliot/local-services'
import { expect, it } from 'vitest'
import { startRedis } from './start-redis.ts'

it('starts a server in a temporary folder, and again with its data after a kill', async () => {
  const first = await startRedis()
  await askRedis(first, ['SET', 'kept', 'yes'])
  await first.kill()
  await expect(askRedis(first, ['PING'])).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  const again = await startRedis({ dir: first.dir, port: first.port })
  expect(await askRedis(first, ['GET', 'kept'])).toBe('yes')
  expect(again.pid).not.toBe(first.pid)
})
