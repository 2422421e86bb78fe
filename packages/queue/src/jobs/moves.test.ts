import { type Job, STATUSES } from '@foliot/jobs'
import { atEndOfFile } from '@foliot/testkit'
import { Queue } from 'bullmq'
import { describe, expect, it } from 'vitest'
import type { Settlement } from '../attempts/settlement.ts'
import { discardJobs } from '../fixtures/dead-letters.ts'
import { dead, openTestQueues, retry, succeed } from '../fixtures/test-queues.ts'
import { bullKeys, bullName, jobKey, PREFIX } from '../keys.ts'
import { cancelJob, type JobRef, promoteJob, redriveJob, redriveJobs } from './moves.ts'

const q = await openTestQueues()
const by = { by: 'ops', reason: 'it was time' }

const events = (job: Job): string => job.timeline.map(({ event }) => event).join(' ')

const ends: Partial<Record<string, Settlement>> = {
  retrying: retry(60_000),
  succeeded: { kind: 'succeeded', output: '1' },
  failed: dead('no'),
  timed_out: { ...dead('too long', 'timeout'), status: 'timed_out' } as Settlement,
  cancelled: { kind: 'cancelled', by: 'handler', reason: 'not wanted' },
}

/** A job that has come to this status in the way of every such job. */
async function jobIn(status: string, job: Parameters<typeof q.add>[1] = {}): Promise<JobRef> {
  const queue = q.newQueue()
  const { id } = await q.add(queue, { ...job, ...(status === 'scheduled' && { runAt: Date.now() + 60_000 }) })
  const end = ends[status === 'discarded' ? 'failed' : status]
  if (end) await q.consume(queue, async () => end)
  if (status === 'running') {
    await q.consume(queue, async ({ stopped }) => {
      await stopped
      return succeed()
    })
  }
  await q.readWhen(queue, id, (found) => found.status === (status === 'discarded' ? 'failed' : status))
  if (status === 'discarded') await discardJobs(q.redis, queue, [id], by)
  return { queue, id }
}

const plainQueue = ({ queue }: { queue: string }): Queue => {
  const plain = new Queue(bullName(queue), { connection: q.redis, prefix: PREFIX, skipMetasUpdate: true })
  atEndOfFile(() => plain.close())
  return plain
}

const verbs = {
  cancelled: { move: cancelJob, from: ['scheduled', 'queued', 'retrying'], to: 'cancelled' },
  promoted: { move: promoteJob, from: ['scheduled', 'retrying'], to: 'queued' },
  redriven: { move: redriveJob, from: ['failed', 'timed_out'], to: 'queued' },
} as const

describe('a running job', () => {
  it('is asked to end, once, and told of by everybody who asks', async () => {
    const ref = await jobIn('running')
    const first = await cancelJob(q.redis, ref, { by: 'ops', reason: 'wrong input' })
    expect(first).toMatchObject({ id: ref.id, status: 'running', cancelRequestedAt: expect.any(String) })
    expect(await cancelJob(q.redis, ref, { by: 'another' })).toEqual(first)
  })
})

describe.each(Object.entries(verbs))('a job can be %s', (verb, { move, from, to }) => {
  it.each([...STATUSES, 'discarded'])('or not, when it is %s', async (status) => {
    // It is asked to end, which is told above.
    if (verb === 'cancelled' && status === 'running') return
    const ref = await jobIn(status)
    const before = await q.read(ref.queue, ref.id)
    await plainQueue(ref).pause()
    if ((from as readonly string[]).includes(status)) {
      const after = await move(q.redis, ref, by)
      expect(after).toMatchObject({ id: ref.id, status: to })
      expect(after.timeline.map(({ event }) => event)).toContain(verb)
      expect(after.timeline.find(({ event }) => event === verb)?.detail).toContain(by.reason)
    } else {
      const is = status === 'discarded' ? 'failed and discarded' : status
      await expect(move(q.redis, ref, by)).rejects.toMatchObject({
        code: 'illegal_transition',
        status: 409,
        message: `a job that is ${is} cannot be ${verb}`,
        hint: expect.any(String),
      })
      expect(await q.read(ref.queue, ref.id)).toEqual(before)
    }
  })

  it('or not, when there is none', async () => {
    const ref = { queue: q.newQueue(), id: '01a1fc3c-2266-7577-960d-f9dd1cbd2923' }
    await expect(move(q.redis, ref, by)).rejects.toMatchObject({ code: 'not_found' })
    await q.redis.set(jobKey(ref.queue, ref.id), 'no job')
    await expect(move(q.redis, ref, by)).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('cancelJob', () => {
  it('ends also a job that waits with a priority', async () => {
    const ref = await jobIn('queued', { priority: 3 })
    expect(await cancelJob(q.redis, ref, by)).toMatchObject({
      status: 'cancelled',
      attempt: 0,
      output: null,
      error: null,
    })
    expect(await q.redis.zcard(bullKeys(ref.queue).prioritized)).toBe(0)
  })

  it('keeps the job from ever running', async () => {
    const ref = await jobIn('queued')
    const { id: other } = await q.add(ref.queue)
    await cancelJob(q.redis, ref, by)
    const ran: string[] = []
    await q.consume(ref.queue, async ({ claim }) => {
      ran.push(claim.id)
      return succeed()
    })
    await q.readWhen(ref.queue, other, ({ status }) => status === 'succeeded')
    expect(ran).toEqual([other])
  })

  it('is done once, of many who ask at the same time', async () => {
    const ref = await jobIn('scheduled')
    const answers = await Promise.allSettled(Array.from({ length: 10 }, () => cancelJob(q.redis, ref, by)))
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })
})

describe('promoteJob', () => {
  it('has the job run now, in the place of its priority', async () => {
    const ref = await jobIn('scheduled', { priority: 5 })
    const { id: before } = await q.add(ref.queue, { priority: 1 })
    await promoteJob(q.redis, ref, by)
    const order: string[] = []
    await q.consume(ref.queue, async ({ claim }) => {
      order.push(claim.id)
      return succeed()
    })
    const job = await q.readWhen(ref.queue, ref.id, ({ status }) => status === 'succeeded')
    expect(order).toEqual([before, ref.id])
    expect(events(job)).toBe('created scheduled promoted started succeeded')
  })
})

describe('redriveJob', () => {
  it('gives back all attempts, and keeps the id, the earlier attempts and their end', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue, { maxAttempts: 2, idempotency: { key: 'k', fingerprint: 'f' } })
    const used: number[] = []
    await q.consume(queue, async ({ claim }) => {
      used.push(claim.attemptsUsed)
      if (claim.attempt === 2 || claim.attempt === 4) return dead(`no ${claim.attempt}`)
      return claim.attempt === 5 ? succeed() : retry(0)
    })
    await q.readWhen(queue, id, ({ status }) => status === 'failed')
    await redriveJob(q.redis, { queue, id }, by)
    const again = await q.readWhen(queue, id, ({ status, attempt }) => status === 'failed' && attempt === 4)
    expect(again).toMatchObject({ attemptsUsed: 2, error: { message: 'no 4' } })
    await redriveJob(q.redis, { queue, id }, { by: 'ops' })
    const job = await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    expect(used).toEqual([0, 1, 0, 1, 0])
    expect(job).toMatchObject({ attempt: 5, attemptsUsed: 0, error: null })
    expect(events(job)).toBe(
      [
        'created started attempt_failed retry_scheduled started attempt_failed failed',
        'redriven started attempt_failed retry_scheduled started attempt_failed failed',
        'redriven started succeeded',
      ].join(' '),
    )
    expect(job.timeline.filter(({ event }) => event === 'redriven').map(({ detail }) => detail)).toEqual([
      'by ops: it was time',
      'by ops',
    ])
  })

  it.each([{}, { priority: 2 }])('wakes a worker that waits: %j', async (options) => {
    const queue = q.newQueue()
    const { id } = await q.add(queue, options)
    const { consumer } = await q.consume(queue, async () => dead('no'))
    await q.readWhen(queue, id, ({ status }) => status === 'failed')
    // Nobody takes what a waiting worker is woken by.
    await consumer.stop(0)
    const { marker } = bullKeys(queue)
    await q.redis.del(marker)
    await redriveJob(q.redis, { queue, id }, by)
    expect(await q.redis.zscore(marker, '0')).toBe('0')
  })

  it('leaves nothing of the end before', async () => {
    const ref = await jobIn('timed_out')
    await q.redis.hset(jobKey(ref.queue, ref.id), 'progress', '50')
    await plainQueue(ref).pause()
    const job = await redriveJob(q.redis, ref, by)
    expect(job).toMatchObject({ status: 'queued', attempt: 1, attemptsUsed: 0, error: null, progress: null })
    expect(job).not.toHaveProperty('finishedAt')
    expect(events(job)).toBe('created started timed_out redriven')
  })

  it('puts the job where its priority belongs, behind those that wait', async () => {
    const ref = await jobIn('failed', { priority: 2 })
    const plain = plainQueue(ref)
    await plain.pause()
    const others = []
    for (const priority of [2, 1, 3]) others.push((await q.add(ref.queue, { priority })).id)
    await redriveJob(q.redis, ref, by)
    const [same, sooner, later] = others
    expect(await q.redis.zrange(bullKeys(ref.queue).prioritized, '0', '-1')).toEqual([sooner, same, ref.id, later])
  })
})

describe('redriveJobs and discardJobs', () => {
  it('move those that are dead letters, once, and pass over the rest', async () => {
    const { queue, id } = await jobIn('failed')
    const { id: other } = await q.add(queue)
    await q.readWhen(queue, other, ({ status }) => status === 'failed')
    await plainQueue({ queue }).pause()
    expect(await discardJobs(q.redis, queue, [other, 'gone', other], by)).toBe(1)
    expect(await redriveJobs(q.redis, queue, [id, 'gone', other, id], by)).toBe(1)
    expect(await redriveJobs(q.redis, queue, [], by)).toBe(0)
    expect((await q.read(queue, id)).status).toBe('queued')
  })

  it('keep the status of a discarded job, and when and why', async () => {
    const ref = await jobIn('timed_out')
    await discardJobs(q.redis, ref.queue, [ref.id], by)
    const job = await q.read(ref.queue, ref.id)
    expect(job).toMatchObject({ status: 'timed_out', error: { kind: 'timeout' } })
    expect(Date.parse(job.discardedAt as string)).toBeGreaterThanOrEqual(Date.parse(job.finishedAt as string))
    expect(job.timeline.at(-1)).toMatchObject({ event: 'discarded', detail: 'by ops: it was time' })
    expect(await q.redis.zcard(bullKeys(ref.queue).failed)).toBe(0)
  })
})

describe('what callers do to a job again and again', () => {
  const details = ({ timeline }: Job, wanted: string): (string | undefined)[] =>
    timeline.filter(({ event }) => event === wanted).map(({ detail }) => detail)
  const told = (...ns: number[]): string[] => ns.map((n) => `by ops: ${n}`)

  it('is told by its first three and its last seventeen events, and how many were left out', async () => {
    const queue = q.newQueue()
    await q.consume(queue, async () => ({ kind: 'snoozed', delayMs: 60_000, reason: 'not now' }))
    const { id } = await q.add(queue)
    for (let n = 1; n <= 25; n++) {
      const job = await q.readWhen(queue, id, ({ attempt, status }) => attempt === n && status === 'scheduled')
      expect(job.timelineLeftOut).toBe(n - 1 > 20 ? n - 1 - 20 : undefined)
      await promoteJob(q.redis, { queue, id }, { by: 'ops', reason: `${n}` })
    }
    const job = await q.read(queue, id)
    const last = Array.from({ length: 17 }, (_, i) => 9 + i)
    expect(job).toMatchObject({ timelineLeftOut: 5 })
    expect(details(job, 'promoted')).toEqual(told(1, 2, 3, ...last))
  })

  it('counts the ends that redrives undo, and keeps that it was discarded', async () => {
    const queue = q.newQueue()
    await q.consume(queue, async () => dead('no'))
    const { id } = await q.add(queue)
    for (let n = 1; n <= 11; n++) {
      await q.readWhen(queue, id, ({ attempt, status }) => attempt === n && status === 'failed')
      await redriveJob(q.redis, { queue, id }, { by: 'ops', reason: `${n}` })
    }
    await q.readWhen(queue, id, ({ attempt, status }) => attempt === 12 && status === 'failed')
    expect(await q.read(queue, id)).toMatchObject({ timelineLeftOut: 2 })
    await discardJobs(q.redis, queue, [id], { by: 'ops', reason: '12' })
    const job = await q.read(queue, id)
    expect(job).toMatchObject({ timelineLeftOut: 3 })
    // The end before the second redrive stays, that redrive and the one after it do not.
    expect(details(job, 'redriven')).toEqual(told(1, 4, 5, 6, 7, 8, 9, 10, 11))
    expect(details(job, 'discarded')).toEqual(told(12))
  })
})

describe('"retry all" of plain BullMQ', () => {
  it('revives dead letters, but no job that was cancelled or discarded', async () => {
    const { queue, id: failed } = await jobIn('failed')
    const plain = plainQueue({ queue })
    const { id: discarded } = await q.add(queue)
    await q.readWhen(queue, discarded, ({ status }) => status === 'failed')
    await discardJobs(q.redis, queue, [discarded], by)
    await plain.pause()
    const { id: cancelled } = await q.add(queue)
    await cancelJob(q.redis, { queue, id: cancelled }, by)
    await plain.retryJobs()
    expect((await q.read(queue, failed)).status).toBe('queued')
    expect(await q.read(queue, discarded)).toMatchObject({ status: 'failed', discardedAt: expect.any(String) })
    expect((await q.read(queue, cancelled)).status).toBe('cancelled')
  })
})
