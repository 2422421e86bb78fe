import { defineJob, describeJob } from '@foliot/jobs'
import { beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openTestQueues, succeed } from '../fixtures/test-queues.ts'
import { RETENTION } from '../jobs/retention.ts'
import { bullKeys, jobKey, queuesKey } from '../keys.ts'
import { runScript } from '../redis/scripts.ts'
import { announce, Catalog } from './catalog.ts'
import { forgetQueues } from './forget-queues.ts'

const q = await openTestQueues()
beforeEach(() => q.redis.flushdb())

const WEEK_MS = 7 * 24 * 60 * 60 * 1000
const LONG_MS = WEEK_MS + 60_000

const announceIn = (...queues: string[]): Promise<void> =>
  announce(
    q.redis,
    queues.map((queue) => describeJob(defineJob({ name: `test.${queue}`, queue, input: z.unknown() }))),
  )

/** Has the last announcement of a queue be so long ago. */
const age = (queue: string, ms: number): Promise<unknown> => q.redis.zincrby(queuesKey, -ms, queue)

async function known(): Promise<readonly string[]> {
  const catalog = new Catalog(q.redis)
  await catalog.refresh()
  return catalog.queues
}

describe('forgetQueues', () => {
  it('drops an empty queue that nobody announced for a week, and no other', async () => {
    await announceIn('old', 'rare', 'now')
    await age('old', LONG_MS)
    await age('rare', WEEK_MS - 60_000)
    expect(await known()).toEqual(['now', 'old', 'rare'])
    expect(await forgetQueues(q.redis)).toEqual(['old'])
    expect(await known()).toEqual(['now', 'rare'])
    expect(await forgetQueues(q.redis)).toEqual([])
  })

  it.each(['wait', 'active', 'prioritized', 'delayed', 'completed', 'failed'] as const)(
    'keeps one with a job in its place %s',
    async (place) => {
      await announceIn('old')
      await age('old', LONG_MS)
      const key = bullKeys('old')[place]
      // A time of finishing that is not past the retention.
      await (place === 'wait' || place === 'active' ? q.redis.lpush(key, 'x') : q.redis.zadd(key, Date.now(), 'x'))
      expect(await forgetQueues(q.redis)).toEqual([])
      expect(await known()).toEqual(['old'])
    },
  )

  it('removes finished jobs past their time from a queue that nobody serves, and then drops it', async () => {
    await announceIn('old')
    const { consumer } = await q.consume('old', succeed)
    const { id } = await q.add('old')
    await q.readWhen('old', id, ({ status }) => status === 'succeeded')
    await consumer.stop(0)
    await age('old', LONG_MS)
    const agoMs = (RETENTION.completed.age + 60) * 1000
    await q.redis.zincrby(bullKeys('old').completed, -agoMs, id)
    await q.redis.hincrby(jobKey('old', id), 'finishedOn', -agoMs)
    expect(await forgetQueues(q.redis)).toEqual(['old'])
    expect(await q.redis.exists(jobKey('old', id))).toBe(0)
  })

  it('keeps a queue that is announced while its jobs are counted', async () => {
    await announceIn('old')
    await age('old', LONG_MS)
    const found = (await q.redis.zscore(queuesKey, 'old')) as string
    await announceIn('old')
    expect(await runScript(q.redis, 'forgetQueue', [queuesKey], ['old', found])).toBe(0)
    expect(await known()).toEqual(['old'])
  })
})
