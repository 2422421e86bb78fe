import { describe, expect, it } from 'vitest'
import type { ConsumerOptions } from '../attempts/consumer.ts'
import { dead, ENDS, openTestQueues, retry, succeed } from '../fixtures/test-queues.ts'
import { jobKey } from '../keys.ts'
import { toJobEvent } from './job-event.ts'
import { cancelJob, promoteJob, redriveJob } from './moves.ts'
import { endOverdue } from './overdue.ts'
import { briefsOf, readEventsAfter } from './read-events.ts'

const q = await openTestQueues()

/** What was told of a job, in order. */
async function told(queue: string, id: string): Promise<string[]> {
  const { events } = await readEventsAfter(q.redis, queue, '0-0', 1000)
  return events.flatMap((raw) => {
    const event = toJobEvent(raw)
    return event?.jobId === id ? [event.event] : []
  })
}

async function run(how: ConsumerOptions['run'], until: string) {
  const queue = q.newQueue()
  const { id } = await q.add(queue)
  await q.consume(queue, how)
  await q.readWhen(queue, id, ({ status }) => status === until)
  return { queue, id }
}

describe('the events of a job', () => {
  it.each(ENDS)('end with its status: %s', async (status, how) => {
    const { queue, id } = await run(how, status)
    expect(await told(queue, id)).toEqual(['queued', 'started', status])
  })

  it('tell of a job that is cancelled while it waits', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    await cancelJob(q.redis, { queue, id }, { by: 'test' })
    expect(await told(queue, id)).toEqual(['queued', 'cancelled'])
  })

  it('tell of a job whose deadline passes while it waits', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue, { deadlineAt: Date.now() - 1 })
    await endOverdue(q.redis, queue)
    expect(await told(queue, id)).toEqual(['queued', 'timed_out'])
  })

  it('tell of a retry, of when it comes, and of who lets it come sooner', async () => {
    const { queue, id } = await run(
      async ({ claim }) => (claim.attempt === 1 ? retry(3_600_000) : succeed()),
      'retrying',
    )
    const { nextAttemptAt } = await q.read(queue, id)
    await promoteJob(q.redis, { queue, id }, { by: 'test' })
    await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    expect(await told(queue, id)).toEqual(['queued', 'started', 'scheduled', 'queued', 'started', 'succeeded'])
    const { events } = await readEventsAfter(q.redis, queue, '0-0', 1000)
    const scheduled = events.map(toJobEvent).find((event) => event?.event === 'scheduled')
    expect(scheduled).toMatchObject({ queue, jobId: id, runAt: nextAttemptAt })
  })

  it('tell of a redrive, a hand-back and progress', async () => {
    const { queue, id } = await run(async (attempt) => {
      const { attempt: n } = attempt.claim
      if (n === 1) return { kind: 'handed_back', reason: 'r' }
      await attempt.progress(JSON.stringify({ done: n }))
      return n === 2 ? dead('no') : succeed()
    }, 'failed')
    await redriveJob(q.redis, { queue, id }, { by: 'test' })
    await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    const first = ['queued', 'started', 'queued', 'started', 'progress', 'failed']
    expect(await told(queue, id)).toEqual([...first, 'redriven', 'started', 'progress', 'succeeded'])
    const { events } = await readEventsAfter(q.redis, queue, '0-0', 1000)
    const progress = events.map(toJobEvent).filter((event) => event?.event === 'progress')
    expect(progress.map((event) => event?.progress)).toEqual([{ done: 2 }, { done: 3 }])
  })

  it('are not those of a queue, or what nobody knows', () => {
    for (const fields of [{ event: 'drained' }, { event: 'new', jobId: '1' }, { event: 'active' }, {}]) {
      expect(toJobEvent({ queue: 'a', id: '1-0', fields: fields as Record<string, string> })).toBeUndefined()
    }
    const broken = { event: 'delayed', jobId: '1', delay: 'soon' }
    expect(toJobEvent({ queue: 'a', id: '1000-0', fields: broken })).toEqual({
      event: 'scheduled',
      jobId: '1',
      queue: 'a',
      at: '1970-01-01T00:00:01.000Z',
    })
  })
})

describe('briefsOf', () => {
  it('knows the types and tenants of jobs that are there', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue, { type: 'test.one', tenant: 'acme' })
    await q.redis.set(jobKey(queue, 'broken'), 'no hash')
    const refs = [id, 'gone', 'broken'].map((id) => ({ queue, id }))
    expect(await briefsOf(q.redis, refs)).toEqual([{ type: 'test.one', tenant: 'acme' }, undefined, undefined])
    expect(await briefsOf(q.redis, [])).toEqual([])
  })
})
