import { LIMITS, PRIORITY_MAX } from '@foliot/jobs'
import { atEndOfFile } from '@foliot/testkit'
import { Queue, QueueEvents, Worker } from 'bullmq'
import { describe, expect, it } from 'vitest'
import { newJob, openTestQueues, succeed } from '../fixtures/test-queues.ts'
import { bullName, PREFIX } from '../keys.ts'
import { enqueue, enqueueMany, IDEMPOTENCY_TTL_MS, type NewJob } from './enqueue.ts'

const q = await openTestQueues()

/** The inputs in the order in which one worker runs them. */
async function runAll(queue: string, count: number): Promise<unknown[]> {
  const inputs: unknown[] = []
  const all = Promise.withResolvers<void>()
  await q.consume(queue, async ({ claim }) => {
    if (inputs.push(claim.input) === count) all.resolve()
    return succeed()
  })
  await all.promise
  return inputs
}

const plainQueue = (queue: string): Queue => {
  const plain = new Queue(bullName(queue), { connection: q.redis, prefix: PREFIX, skipMetasUpdate: true })
  atEndOfFile(() => plain.close())
  return plain
}

describe('enqueue', () => {
  it('has jobs run in the order in which they came', async () => {
    const queue = q.newQueue()
    for (const input of ['a', 'b', 'c']) await q.add(queue, { input })
    expect(await runAll(queue, 3)).toEqual(['a', 'b', 'c'])
  })

  it('has priority 0 run first, then 1 before 2, and among equals the older', async () => {
    const queue = q.newQueue()
    const jobs = [2, PRIORITY_MAX, 1, 0, 2, 1, 0].map((priority, n) => ({ priority, input: `${priority} #${n}` }))
    for (const job of jobs) await q.add(queue, job)
    const inOrder = ['0 #3', '0 #6', '1 #2', '1 #5', '2 #0', '2 #4', `${PRIORITY_MAX} #1`]
    expect(await runAll(queue, jobs.length)).toEqual(inOrder)
  })

  it('has delayed jobs run by their time, not before it, and those of one millisecond in order', async () => {
    const queue = q.newQueue()
    const runAt = Date.now() + 80
    for (const [input, at] of [
      ['late', runAt + 40],
      ['a', runAt],
      ['b', runAt],
      ['now', runAt - 1000],
    ] as const) {
      await q.add(queue, { input, runAt: at })
    }
    expect(await runAll(queue, 4)).toEqual(['now', 'a', 'b', 'late'])
    expect(Date.now()).toBeGreaterThanOrEqual(runAt + 40)
  })

  it.each<[string, Partial<NewJob>]>([
    ['a plain job', {}],
    [
      'every field',
      { priority: 7, labels: { a: 'ü', b: '' }, timeoutMs: 5, version: 3, tenant: 'acme', maxAttempts: 9 },
    ],
    ['a delayed job', { runAt: Date.now() + 60_000 }],
    ['a delayed job with a priority', { runAt: Date.now() + LIMITS.runAheadMs, priority: 3 }],
    ['a time in the past', { runAt: Date.now() - 5000 }],
    ...[null, 0, false, '', 'text\u0000\u2028"', [], {}, { deep: [{ ü: '\u{1F600}' }] }].map(
      (input): [string, Partial<NewJob>] => [`the input ${JSON.stringify(input)}`, { input }],
    ),
  ])('returns the job as it can be read back: %s', async (_, job) => {
    const queue = q.newQueue()
    const returned = await q.add(queue, job)
    expect(await q.read(queue, returned.id)).toEqual(returned)
  })

  it('tells a scheduled job when it is due', async () => {
    const runAt = Date.now() + 60_000
    const at = new Date(runAt).toISOString()
    const job = await q.add(q.newQueue(), { runAt })
    expect(job).toMatchObject({ status: 'scheduled', runAt: at, nextAttemptAt: at, attempt: 0 })
    expect(job.timeline).toMatchObject([{ event: 'created' }, { event: 'scheduled', detail: `for ${at}` }])
  })
})

describe('an idempotency key', () => {
  const request = { key: 'order-1', fingerprint: 'same' }

  it('makes one job of 100 requests at once over four connections', async () => {
    const queue = q.newQueue()
    const connections = [q.redis, q.connect(), q.connect(), q.connect()]
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        enqueue(
          connections[n % 4] as typeof q.redis,
          newJob(queue, { idempotency: request, runAt: Date.now() + 60_000 }),
        ),
      ),
    )
    expect(new Set(results.map(({ job }) => job.id)).size).toBe(1)
    expect(results.filter(({ replayed }) => !replayed)).toHaveLength(1)
    expect(await plainQueue(queue).getJobCounts('wait', 'delayed')).toEqual({ wait: 0, delayed: 1 })
  })

  it('answers a repeat with the first job as it is now', async () => {
    const queue = q.newQueue()
    const first = await q.add(queue, { idempotency: request, input: 1 })
    await runAll(queue, 1)
    await q.readWhen(queue, first.id, ({ status }) => status === 'succeeded')
    const { job, replayed } = await enqueue(q.redis, newJob(queue, { idempotency: request }))
    expect({ replayed, job }).toMatchObject({ replayed: true, job: { id: first.id, status: 'succeeded', input: 1 } })
  })

  it('refuses another request, naming the first job', async () => {
    const queue = q.newQueue()
    const first = await q.add(queue, { idempotency: request })
    const other = newJob(queue, { idempotency: { ...request, fingerprint: 'other' } })
    await expect(enqueue(q.redis, other)).rejects.toMatchObject({
      code: 'idempotency_key_reused',
      message: expect.stringContaining(first.id),
    })
    expect(await plainQueue(queue).getJobCountByTypes('wait')).toBe(1)
  })

  it('is private to a tenant and to a queue', async () => {
    const queue = q.newQueue()
    const jobs = [{ tenant: 'a' }, { tenant: 'b' }, { tenant: 'a', queue: q.newQueue() }]
    const ids = await Promise.all(jobs.map(async (job) => (await q.add(queue, { idempotency: request, ...job })).id))
    expect(new Set(ids).size).toBe(3)
  })

  it('is kept for its time', async () => {
    const queue = q.newQueue()
    await q.add(queue, { idempotency: request })
    const [key] = await q.redis.keys(`foliot-x:{${queue}}:idem:*`)
    const left = await q.redis.pttl(key as string)
    expect(left).toBeGreaterThan(IDEMPOTENCY_TTL_MS - 60_000)
    expect(left).toBeLessThanOrEqual(IDEMPOTENCY_TTL_MS)
  })
})

describe('enqueueMany', () => {
  it('stores nothing for nothing', async () => {
    expect(await enqueueMany(q.redis, [])).toEqual([])
  })

  it('keeps the order, and one bad item spoils no other', async () => {
    const queue = q.newQueue()
    await q.add(queue, { idempotency: { key: 'used', fingerprint: 'before' } })
    const results = await enqueueMany(q.redis, [
      newJob(queue, { input: 0 }),
      newJob(queue, { input: 1, idempotency: { key: 'used', fingerprint: 'now' } }),
      newJob(queue, { input: 2, priority: 4 }),
      newJob(queue, { input: 3, runAt: Date.now() + 60_000 }),
      newJob(queue, { input: 4, idempotency: { key: 'used', fingerprint: 'before' } }),
    ])
    expect(results).toMatchObject([
      { job: { input: 0, status: 'queued' }, replayed: false },
      { code: 'idempotency_key_reused' },
      { job: { input: 2, priority: 4 } },
      { job: { input: 3, status: 'scheduled' } },
      { job: { input: null }, replayed: true },
    ])
    for (const result of results) {
      if (!(result instanceof Error)) expect(await q.read(queue, result.job.id)).toEqual(result.job)
    }
  })

  it('stores a thousand at once', async () => {
    const queue = q.newQueue()
    const results = await enqueueMany(
      q.redis,
      Array.from({ length: 1000 }, (_, input) => newJob(queue, { input })),
    )
    expect(results.every((result, n) => !(result instanceof Error) && result.job.input === n)).toBe(true)
    expect(await plainQueue(queue).getJobCountByTypes('wait')).toBe(1000)
  })
})

describe('plain BullMQ', () => {
  it('reads and counts our jobs', async () => {
    const queue = q.newQueue()
    const plain = plainQueue(queue)
    const standard = await q.add(queue, { input: { a: 1 } })
    const later = await q.add(queue, { runAt: Date.now() + 60_000 })
    await q.add(queue, { priority: 5 })
    expect(await plain.getJobCounts('wait', 'prioritized', 'delayed')).toEqual({ wait: 1, prioritized: 1, delayed: 1 })
    expect((await plain.getJob(standard.id))?.toJSON()).toMatchObject({
      id: standard.id,
      name: 'test.echo',
      data: { a: 1 },
      opts: { attempts: 3 },
      timestamp: Date.parse(standard.createdAt),
    })
    expect(await (await plain.getJob(later.id))?.isDelayed()).toBe(true)
  })

  it('adds jobs that our consumer runs and our view shows', async () => {
    const queue = q.newQueue()
    const plain = plainQueue(queue)
    const { id } = await plain.add('plain.job', { from: 'bullmq' }, { jobId: 'its-own-id', priority: 2 })
    const claims: unknown[] = []
    await q.consume(queue, async ({ claim }) => {
      claims.push(claim)
      return { kind: 'succeeded', output: '"done"' }
    })
    const job = await q.readWhen(queue, id as string, ({ status }) => status === 'succeeded')
    expect(job).toMatchObject({
      type: 'plain.job',
      version: 1,
      tenant: 'default',
      input: { from: 'bullmq' },
      output: 'done',
    })
    expect(job).toMatchObject({ priority: 2, maxAttempts: 1, attempt: 1, attemptsUsed: 0, labels: {} })
    expect(claims).toMatchObject([{ type: 'plain.job', maxAttempts: 1, unreadable: undefined }])
  })

  it('runs our jobs, and our view shows how they ended', async () => {
    const queue = q.newQueue()
    const worker = new Worker(
      bullName(queue),
      async ({ data }) => {
        if (data === 'bad') throw new Error('no')
        return { got: data }
      },
      { connection: q.redis, prefix: PREFIX },
    )
    atEndOfFile(() => worker.close())
    const good = await q.add(queue, { input: 'good' })
    const bad = await q.add(queue, { input: 'bad', maxAttempts: 1 })
    expect(await q.readWhen(queue, good.id, ({ status }) => status === 'succeeded')).toMatchObject({
      output: { got: 'good' },
    })
    expect(await q.readWhen(queue, bad.id, ({ status }) => status === 'failed')).toMatchObject({
      error: { message: 'no', kind: 'error' },
    })
  })

  it('hears of our jobs through its events', async () => {
    const queue = q.newQueue()
    const events = new QueueEvents(bullName(queue), { connection: q.connect(), prefix: PREFIX })
    atEndOfFile(() => events.close())
    await events.waitUntilReady()
    const completed = new Promise((resolve) => events.once('completed', resolve))
    const { id } = await q.add(queue)
    await runAll(queue, 1)
    expect(await completed).toMatchObject({ jobId: id })
  })
})
