import { newJobId } from '@foliot/jobs'
import { startRedis } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { openTestQueues, succeed } from '../fixtures/test-queues.ts'
import { bullKeys, jobKey } from '../keys.ts'
import { locateJob, readJob, readLog } from './find-job.ts'

const q = await openTestQueues()

describe('locateJob', () => {
  it('finds the queue that a job is in, among others', async () => {
    const queues = [q.newQueue(), q.newQueue(), q.newQueue()]
    for (const queue of queues) {
      const { id } = await q.add(queue)
      expect(await locateJob(q.redis, queues, id)).toEqual({ queue, id })
    }
  })

  it.each([newJobId(Date.now()), 'meta', 'wait', '1', '', '../x', 'a:b', 'x'.repeat(1000)])(
    'finds nothing under the id %s',
    async (id) => {
      const queue = q.newQueue()
      // BullMQ's own keys lie beside those of jobs: `meta` exists.
      await q.add(queue)
      expect(await q.redis.exists(bullKeys(queue).meta)).toBe(1)
      await expect(locateJob(q.redis, [queue], id)).rejects.toMatchObject({ code: 'not_found', status: 404 })
      await expect(locateJob(q.redis, [], id)).rejects.toMatchObject({ code: 'not_found' })
    },
  )
})

describe('readJob', () => {
  it('reads the job as it is', async () => {
    const queue = q.newQueue()
    const job = await q.add(queue, { input: { a: 1 } })
    expect(await readJob(q.redis, [q.newQueue(), queue], job.id)).toEqual(job)
  })

  it('finds no job where something else is', async () => {
    const queue = q.newQueue()
    const id = newJobId(Date.now())
    await q.redis.set(jobKey(queue, id), 'text')
    await expect(readJob(q.redis, [queue], id)).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('a Redis that is full', () => {
  it('still shows jobs and their logs, in whatever place they are', async () => {
    const own = await openTestQueues((await startRedis()).url)
    const [waiting, later, ended] = [own.newQueue(), own.newQueue(), own.newQueue()] as const
    const jobs = [
      await own.add(waiting),
      await own.add(later, { runAt: Date.now() + 3_600_000 }),
      await own.add(ended, { labels: { a: 'b' } }),
    ] as const
    const { consumer } = await own.consume(ended, succeed)
    const last = await own.readWhen(ended, jobs[2].id, ({ status }) => status === 'succeeded')
    await consumer.stop(0)
    await own.redis.config('SET', 'maxmemory', 1)
    await expect(own.add(waiting)).rejects.toThrow('OOM')
    const read = (id: string) => readJob(own.redis, [waiting, later, ended], id)
    expect(await Promise.all(jobs.map(({ id }) => read(id)))).toEqual([jobs[0], jobs[1], last])
    expect(await readLog(own.redis, { queue: ended, id: last.id })).toEqual([])
  })
})

describe('readLog', () => {
  it('is empty for a job that wrote nothing', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    expect(await readLog(q.redis, { queue, id })).toEqual([])
  })
})
