import { describe, expect, it } from 'vitest'
import { openTestQueues } from '../fixtures/test-queues.ts'
import { readTogether } from './read-together.ts'

const q = await openTestQueues()

describe('readTogether', () => {
  it('gives the replies in their order', async () => {
    await q.redis.set('a', '1')
    expect(await readTogether(q.redis.pipeline().get('a').llen('none').get('b'))).toEqual(['1', 0, null])
  })

  it('throws what went wrong with one of them', async () => {
    await q.redis.set('text', 'x')
    await expect(readTogether(q.redis.pipeline().get('text').llen('text'))).rejects.toThrow('WRONGTYPE')
  })
})
