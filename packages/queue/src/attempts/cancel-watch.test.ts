import { atEndOfFile, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { openTestQueues, succeed } from '../fixtures/test-queues.ts'
import { cancelJob } from '../jobs/moves.ts'
import { cancelChannel } from '../keys.ts'
import type { CancelMessage } from './cancel-request.ts'
import { CancelWatch } from './cancel-watch.ts'
import type { RunningAttempt } from './running-attempt.ts'

const q = await openTestQueues()

async function watch() {
  const messages: CancelMessage[] = []
  const errors: Error[] = []
  const cancels = new CancelWatch({
    redis: q.redis,
    onRequest: (message) => void messages.push(message),
    onError: (error) => void errors.push(error),
  })
  atEndOfFile(async () => cancels.stop())
  await cancels.start()
  return { messages, errors }
}

/** A job that runs until it is told to stop. */
async function runningJob() {
  const queue = q.newQueue()
  const entered = Promise.withResolvers<RunningAttempt>()
  await q.consume(queue, async (attempt) => {
    entered.resolve(attempt)
    await attempt.stopped
    return attempt.cancelRequest ? { kind: 'cancelled', ...attempt.cancelRequest, how: 'cooperative' } : succeed()
  })
  const { id } = await q.add(queue)
  return { queue, id, attempt: await entered.promise }
}

describe('CancelWatch', () => {
  it('hears that a running job shall end, with who asked and why', async () => {
    const { messages } = await watch()
    const { queue, id } = await runningJob()
    await cancelJob(q.redis, { queue, id }, { by: 'ops', reason: 'wrong input' })
    await waitUntil(() => messages.some((message) => message.id === id), { everyMs: 5 })
    expect(messages.find((message) => message.id === id)).toEqual({
      queue,
      id,
      request: { by: 'ops', reason: 'wrong input', at: expect.any(Number) },
    })
  })

  it('hears nothing of a job that waits: that ends at once', async () => {
    const { messages } = await watch()
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    expect((await cancelJob(q.redis, { queue, id }, { by: 'ops' })).status).toBe('cancelled')
    await q.redis.publish(cancelChannel, JSON.stringify({ queue, id: 'last', request: { by: '', reason: '', at: 0 } }))
    await waitUntil(() => messages.some((message) => message.id === 'last'), { everyMs: 5 })
    expect(messages.map((message) => message.id)).not.toContain(id)
  })

  it('tells of a message that it cannot read, and goes on', async () => {
    const { messages, errors } = await watch()
    await q.redis.publish(cancelChannel, '{')
    await q.redis.publish(cancelChannel, JSON.stringify({ queue: 'x', id: 'next', request: {} }))
    await waitUntil(() => messages.some((message) => message.id === 'next'), { everyMs: 5 })
    expect(errors).toHaveLength(1)
  })
})

describe('an attempt whose job is cancelled', () => {
  it('stops, and the job tells who wanted it and how its handler took it', async () => {
    const { queue, id, attempt } = await runningJob()
    await cancelJob(q.redis, { queue, id }, { by: 'ops', reason: 'wrong input' })
    attempt.cancel({ by: 'ops', reason: 'wrong input', at: Date.now() })
    const job = await q.readWhen(queue, id, ({ status }) => status === 'cancelled')
    expect(attempt.signal.reason).toMatchObject({ name: 'AbortError', stopReason: 'cancel' })
    expect(job.timeline.at(-1)).toMatchObject({
      event: 'cancelled',
      attempt: 1,
      detail: 'wrong input; its handler ended when it was told to',
    })
    expect(job.cancelRequestedAt).toBeUndefined()
  })

  it('is not made when the request came while nobody had the job', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    const seen: unknown[] = []
    await q.redis.hset(`foliot:{${queue}}:${id}`, 'cx', JSON.stringify({ by: 'ops', reason: 'late', at: 5 }))
    await q.consume(queue, async ({ claim }) => {
      seen.push(claim.cancelRequest)
      return succeed()
    })
    await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    expect(seen).toEqual([{ by: 'ops', reason: 'late', at: 5 }])
  })
})
