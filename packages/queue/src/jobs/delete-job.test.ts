import { describe, expect, it } from 'vitest'
import { dead, ENDS, openTestQueues, succeed } from '../fixtures/test-queues.ts'
import { jobKey } from '../keys.ts'
import { readOutbox } from '../outbox/outbox.ts'
import { deleteEndedJob } from './delete-job.ts'
import { listDeadLetters, listJobs } from './list-jobs.ts'

const q = await openTestQueues()

describe('deleteEndedJob', () => {
  it.each(ENDS)('leaves nothing of a job that is %s', async (status, run) => {
    const queue = q.newQueue()
    const { id } = await q.add(queue, { input: 'personal' })
    const { consumer } = await q.consume(queue, async (attempt) => {
      attempt.log('personal')
      await attempt.flushLog()
      return run(attempt)
    })
    await q.readWhen(queue, id, (job) => job.status === status)
    await consumer.stop(0)
    expect(await deleteEndedJob(q.redis, { queue, id })).toBe('deleted')
    expect(await deleteEndedJob(q.redis, { queue, id })).toBe('gone')
    expect(await q.redis.keys(`*${id}*`)).toEqual([])
    expect((await listJobs(q.redis, { queues: [queue] }, 10)).items).toEqual([])
    expect((await listDeadLetters(q.redis, { queues: [queue] }, 10)).items).toEqual([])
    expect(await readOutbox(q.redis, queue, 10)).toEqual([])
  })

  it('touches no job that waits or runs', async () => {
    const queue = q.newQueue()
    const { promise: end, resolve: letGo } = Promise.withResolvers<void>()
    const running = await q.add(queue)
    const { consumer } = await q.consume(queue, async () => {
      await end
      return succeed()
    })
    await q.readWhen(queue, running.id, ({ status }) => status === 'running')
    const waiting = [await q.add(queue), await q.add(queue, { runAt: Date.now() + 60_000 })]
    for (const { id } of [running, ...waiting]) {
      expect(await deleteEndedJob(q.redis, { queue, id })).toBe('open')
      expect(await q.read(queue, id)).toMatchObject({ id })
    }
    letGo()
    await consumer.stop(5000)
  })

  it('deletes what lies where the hash of a dead letter should be', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    const { consumer } = await q.consume(queue, async () => dead('no'))
    await q.readWhen(queue, id, ({ status }) => status === 'failed')
    await consumer.stop(0)
    await q.redis.multi().del(jobKey(queue, id)).set(jobKey(queue, id), 'text').exec()
    expect(await deleteEndedJob(q.redis, { queue, id })).toBe('deleted')
    expect(await q.redis.exists(jobKey(queue, id))).toBe(0)
  })
})
