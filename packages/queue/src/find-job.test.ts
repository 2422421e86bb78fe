import { newJobId } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { locateJob, readJob, readLog } from './find-job.ts'
import { openTestQueues } from './fixtures/test-queues.ts'
import { bullKeys, jobKey } from './keys.ts'

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

describe('readLog', () => {
  it('is empty for a job that wrote nothing', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    expect(await readLog(q.redis, { queue, id })).toEqual([])
  })
})
