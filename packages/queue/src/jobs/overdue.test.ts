import type { Job } from '@foliot/jobs'
import { startRedis, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import type { Settlement } from '../attempts/settlement.ts'
import { enqueue, type NewJob } from '../enqueue/enqueue.ts'
import { ENDS, newJob, openTestQueues, retry, succeed, untilStopped } from '../fixtures/test-queues.ts'
import { bullKeys, deadlinesKey, dedupeKey, idempotencyKey, jobKey } from '../keys.ts'
import { startOperation } from '../operations/drive.ts'
import { pauseQueue, resumeQueue } from '../queues/queues.ts'
import { cancelJob, promoteJob, redriveJob } from './moves.ts'
import { endOverdue } from './overdue.ts'

const q = await openTestQueues()
const by = { by: 'test' }

/** A job whose deadline passed a moment ago, unless another one is given. */
const late = (queue: string, more: Partial<NewJob> = {}): Promise<Job> =>
  q.add(queue, { deadlineAt: Date.now() - 1, ...more })

const deadlines = (queue: string): Promise<string[]> => q.redis.zrange(deadlinesKey(queue), '0', '-1')

/** Has the deadline pass of a job that came to its place with time to go. */
async function pass(queue: string, id: string): Promise<void> {
  const at = Date.now() - 1
  await q.redis.multi().hset(jobKey(queue, id), 'dl', at).zadd(deadlinesKey(queue), 'XX', at, id).exec()
}

const far = (): number => Date.now() + 600_000

/** Each place where a job can wait, by how it came there. */
const PLACES: [string, (queue: string) => Promise<Job>][] = [
  ['for a worker', (queue) => late(queue)],
  ['by its priority', (queue) => late(queue, { priority: 3 })],
  ['for its time', (queue) => late(queue, { runAt: far() })],
  [
    'in a paused queue',
    async (queue) => {
      await pauseQueue(q.redis, queue)
      return late(queue)
    },
  ],
  [
    'after it was promoted',
    async (queue) => {
      const { id } = await late(queue, { runAt: far() })
      return promoteJob(q.redis, { queue, id }, by)
    },
  ],
  ['for its retry', (queue) => afterAttempt(queue, retry(600_000), 'retrying')],
  [
    'for its retry after a timeout',
    (queue) => afterAttempt(queue, { ...retry(600_000), outcome: 'timed_out' } as Settlement, 'retrying'),
  ],
  [
    'to go on after a snooze',
    (queue) => afterAttempt(queue, { kind: 'snoozed', delayMs: 600_000, reason: 'later' }, 'scheduled'),
  ],
]

/** A job that an attempt has put off, whose deadline has passed since. */
async function afterAttempt(queue: string, settlement: Settlement, status: Job['status']): Promise<Job> {
  const { id } = await q.add(queue, { deadlineAt: far() })
  const { consumer } = await q.consume(queue, async () => settlement)
  await q.readWhen(queue, id, (job) => job.status === status)
  await consumer.stop(0)
  await pass(queue, id)
  return q.read(queue, id)
}

describe('a job that waits past its deadline', () => {
  it.each(PLACES)('has timed out: %s', async (_, wait) => {
    const queue = q.newQueue()
    const before = await wait(queue)
    expect(await endOverdue(q.redis, queue)).toEqual({ ended: 1, more: false })
    const job = await q.read(queue, before.id)
    const message = 'the deadline of the job passed while it waited'
    expect(job).toMatchObject({ status: 'timed_out', attempt: before.attempt, attemptsUsed: before.attemptsUsed })
    expect(job.error).toEqual({
      name: 'TimeoutError',
      kind: 'deadline',
      message,
      fingerprint: expect.stringMatching(/^deadline-[0-9a-f]{16}$/),
    })
    expect(job.timeline).toEqual([...before.timeline, { at: job.finishedAt, event: 'timed_out', detail: message }])
    const k = bullKeys(queue)
    const { redis } = q
    expect([await redis.llen(k.wait), await redis.zcard(k.prioritized), await redis.zcard(k.delayed)]).toEqual([
      0, 0, 0,
    ])
    expect(await redis.zrange(k.failed, '0', '-1')).toEqual([job.id])
    expect(await deadlines(queue)).toEqual([])
    expect(await endOverdue(redis, queue)).toEqual({ ended: 0, more: false })
  })

  it('never runs', async () => {
    const queue = q.newQueue()
    const overdue = await late(queue)
    const { id } = await q.add(queue)
    await endOverdue(q.redis, queue)
    const ran: string[] = []
    await q.consume(queue, async ({ claim }) => {
      ran.push(claim.id)
      return succeed()
    })
    await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    expect(ran).toEqual([id])
    expect((await q.read(queue, overdue.id)).status).toBe('timed_out')
  })

  it('is one of any number, which may be asked for by any number at once', async () => {
    const queue = q.newQueue()
    const jobs = await Promise.all(
      Array.from({ length: 250 }, (_, n) => late(queue, [{}, { priority: 1 }, { runAt: far() }][n % 3])),
    )
    const inTime = await q.add(queue, { deadlineAt: far() })
    const first = await endOverdue(q.redis, queue)
    expect(first).toEqual({ ended: 100, more: true })
    const others = await Promise.all([q.redis, q.connect(), q.connect()].map((redis) => endOverdue(redis, queue)))
    expect(others.map(({ ended }) => ended).sort((a, b) => a - b)).toEqual([0, 50, 100])
    expect(await q.redis.zcard(bullKeys(queue).failed)).toBe(250)
    for (const { id } of jobs) expect((await q.read(queue, id)).status).toBe('timed_out')
    expect((await q.read(queue, inTime.id)).status).toBe('queued')
    expect(await deadlines(queue)).toEqual([inTime.id])
  })

  it('tells its idempotency record, and frees its dedupe key', async () => {
    const queue = q.newQueue()
    const idempotency = { key: 'k', fingerprint: 'f' }
    const { id } = await late(queue, { idempotency, dedupe: { key: 'd' }, maxDepth: 10 })
    expect(await q.redis.keys(dedupeKey(queue, '*'))).toHaveLength(1)
    await endOverdue(q.redis, queue)
    const { finishedAt } = await q.read(queue, id)
    const [record = ''] = await q.redis.keys(idempotencyKey(queue, '*'))
    const told = await q.redis.hgetall(record)
    expect(told).toMatchObject({ id, st: 'timed_out', finishedOn: String(Date.parse(finishedAt ?? '')) })
    expect(await q.redis.keys(dedupeKey(queue, '*'))).toEqual([])
    // Also when BullMQ has dropped it.
    await q.redis.del(jobKey(queue, id))
    const again = await enqueue(q.redis, newJob(queue, { idempotency, deadlineAt: far() }))
    expect(again).toMatchObject({ replayed: true, job: { id, status: 'timed_out' } })
    expect(again.job.timeline.map(({ event }) => event)).toEqual(['created', 'timed_out'])
  })
})

describe('a job that runs past its deadline', () => {
  it('is left to its worker, stands in nobody’s way, and ends if it comes back to wait', async () => {
    const queue = q.newQueue()
    // A whole batch of them, in front of one that waits.
    const running = await Promise.all(Array.from({ length: 100 }, () => q.add(queue, { deadlineAt: far() })))
    const goOn = Promise.withResolvers<void>()
    const { consumer } = await q.consume(
      queue,
      async () => {
        await goOn.promise
        return { kind: 'handed_back', reason: 'the worker is shutting down' }
      },
      { concurrency: 100 },
    )
    for (const { id } of running) await q.readWhen(queue, id, ({ status }) => status === 'running')
    for (const { id } of running) await pass(queue, id)
    const waiting = await late(queue, { deadlineAt: Date.now(), runAt: far() })
    expect(await endOverdue(q.redis, queue)).toEqual({ ended: 0, more: true })
    expect(await endOverdue(q.redis, queue)).toEqual({ ended: 1, more: false })
    expect((await q.read(queue, waiting.id)).status).toBe('timed_out')
    for (const { id } of running) expect((await q.read(queue, id)).status).toBe('running')

    await pauseQueue(q.redis, queue)
    goOn.resolve()
    await consumer.stop(0)
    await waitUntil(async () => {
      await endOverdue(q.redis, queue)
      return (await deadlines(queue)).length === 0
    })
    for (const { id } of running) {
      const { status, timeline } = await q.read(queue, id)
      expect(status).toBe('timed_out')
      expect(timeline.map(({ event }) => event)).toEqual(['created', 'started', 'handed_back', 'timed_out'])
    }
  })
})

describe('a Redis that is full', () => {
  it('has jobs end at their deadline all the same, behind one that runs', async () => {
    const own = await openTestQueues((await startRedis()).url)
    const queue = own.newQueue()
    const deadlineAt = Date.now() - 1000
    const running = await own.add(queue, { deadlineAt })
    await own.consume(queue, untilStopped)
    await own.readWhen(queue, running.id, ({ status }) => status === 'running')
    const waiting = await own.add(queue, { deadlineAt: deadlineAt + 1 })
    await own.redis.config('SET', 'maxmemory', 1)
    await expect(own.add(queue)).rejects.toThrow('OOM')
    expect(await endOverdue(own.redis, queue)).toEqual({ ended: 1, more: false })
    expect((await own.read(queue, waiting.id)).status).toBe('timed_out')
    expect(await own.redis.zrange(deadlinesKey(queue), '0', '-1')).toEqual([running.id])
  })
})

describe('the deadlines of a queue', () => {
  it('hold nothing for a job without one', async () => {
    const queue = q.newQueue()
    for (const more of [{}, { dedupe: { key: 'd' }, idempotency: { key: 'k', fingerprint: 'f' }, maxDepth: 10 }]) {
      await q.add(queue, more)
    }
    expect(await q.redis.exists(deadlinesKey(queue))).toBe(0)
  })

  it.each(ENDS)('forget a job that %s', async (status, run) => {
    const queue = q.newQueue()
    const { id } = await q.add(queue, { deadlineAt: far() })
    expect(await deadlines(queue)).toEqual([id])
    await q.consume(queue, run)
    await q.readWhen(queue, id, (job) => job.status === status)
    expect(await deadlines(queue)).toEqual([])
  })

  it('forget a job that is cancelled while it waits, one that is gone, and one that plain BullMQ has ended', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue, { deadlineAt: far() })
    await cancelJob(q.redis, { queue, id }, by)
    expect(await deadlines(queue)).toEqual([])
    const [gone, noHash, ended] = [await late(queue), await late(queue), await late(queue)]
    await q.redis.multi().del(jobKey(queue, gone.id)).del(jobKey(queue, noHash.id)).exec()
    await q.redis.set(jobKey(queue, noHash.id), 'no job')
    await q.redis.hset(jobKey(queue, ended.id), 'finishedOn', Date.now())
    expect(await endOverdue(q.redis, queue)).toEqual({ ended: 0, more: false })
    expect(await deadlines(queue)).toEqual([])
  })
})

describe('a redrive', () => {
  const redrives: [string, (queue: string, id: string) => Promise<unknown>][] = [
    ['of one job', (queue, id) => redriveJob(q.redis, { queue, id }, by)],
    [
      'of many',
      async (queue) => {
        const request = { kind: 'redrive', filter: { queues: [queue] }, dryRun: false, reason: by } as const
        await (await startOperation(q.redis, request, { owner: 'test' })).finished
      },
    ],
  ]

  it.each(redrives)('%s gives all its time again, each time', async (_, redrive) => {
    const queue = q.newQueue()
    await pauseQueue(q.redis, queue)
    const createdAt = Date.now() - 3_600_000
    const { id } = await q.add(queue, { createdAt, runAt: createdAt + 1000, deadlineAt: createdAt + 60_000 })
    for (const round of [1, 2]) {
      await endOverdue(q.redis, queue)
      const from = Date.now()
      await redrive(queue, id)
      const job = await q.read(queue, id)
      expect(job.status).toBe('queued')
      const at = Date.parse(job.deadlineAt ?? '')
      expect(at).toBeGreaterThanOrEqual(from + 60_000)
      expect(at).toBeLessThanOrEqual(Date.now() + 60_000)
      expect(await q.redis.zscore(deadlinesKey(queue), id)).toBe(String(at))
      expect(await endOverdue(q.redis, queue)).toEqual({ ended: 0, more: false })
      // The ends that were undone stay in the timeline.
      const ends = Array.from({ length: round }, () => ['timed_out', 'redriven']).flat()
      expect(job.timeline.map(({ event }) => event)).toEqual(['created', 'scheduled', ...ends])
      await pass(queue, id)
    }
    await endOverdue(q.redis, queue)
    await redrive(queue, id)
    const { deadlineAt } = await q.read(queue, id)
    const claimed = Promise.withResolvers<number | undefined>()
    await q.consume(queue, async ({ claim }) => {
      claimed.resolve(claim.envelope.deadlineAt)
      return succeed()
    })
    await resumeQueue(q.redis, queue)
    expect(await claimed.promise).toBe(Date.parse(deadlineAt ?? ''))
    await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    expect(await deadlines(queue)).toEqual([])
  })

  it('gives no deadline to a job that had none, whatever its labels say', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue, { labels: { deadlineAt: '5' } })
    const { consumer } = await q.consume(queue, ENDS[1]?.[1] as (typeof ENDS)[0][1])
    await q.readWhen(queue, id, ({ status }) => status === 'failed')
    await consumer.stop(0)
    await redriveJob(q.redis, { queue, id }, by)
    expect(await q.read(queue, id)).not.toHaveProperty('deadlineAt')
    expect(await deadlines(queue)).toEqual([])
  })

  it('leaves what was asked for as it was', async () => {
    const queue = q.newQueue()
    const job = await late(queue)
    const env = await q.redis.hget(jobKey(queue, job.id), 'env')
    await endOverdue(q.redis, queue)
    await redriveJob(q.redis, { queue, id: job.id }, by)
    expect(await q.redis.hget(jobKey(queue, job.id), 'env')).toBe(env)
  })
})
