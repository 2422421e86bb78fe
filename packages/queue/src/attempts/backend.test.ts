import { describe, expect, it } from 'vitest'
import { dead, guarded, openTestQueues, retry, succeed, untilStopped } from '../fixtures/test-queues.ts'
import { cancelJob, redriveJob } from '../jobs/moves.ts'
import { bullKeys, jobKey, lockKey } from '../keys.ts'
import type { Settlement } from './settlement.ts'

const q = await openTestQueues()

/** What can be wrong with a job whose claim BullMQ's script makes all the same. */
const BROKEN: Record<string, (key: string) => Promise<unknown>> = {
  'its data is broken': (key) => q.redis.hset(key, 'data', '{"a":'),
  'its data is empty': (key) => q.redis.hset(key, 'data', ''),
  'its data is gone': (key) => q.redis.hdel(key, 'data'),
  'its options are broken': (key) => q.redis.hset(key, 'opts', 'attempts=3'),
  'its options are null': (key) => q.redis.hset(key, 'opts', 'null'),
  'its envelope is broken': (key) => q.redis.hset(key, 'env', '{'),
  'its envelope is null': (key) => q.redis.hset(key, 'env', 'null'),
  'its envelope is empty': (key) => q.redis.hset(key, 'env', '{}'),
  'its progress is broken': (key) => q.redis.hset(key, 'progress', '['),
  'its name is gone': (key) => q.redis.hdel(key, 'name'),
  'its count of attempts is broken': (key) => q.redis.hset(key, 'atm', 'many'),
  'its count of stalls is broken': (key) => q.redis.hset(key, 'stc', 'many'),
  'its hash is gone': (key) => q.redis.del(key),
}

describe('a stored job that cannot be read', () => {
  it.each(Object.entries(BROKEN))('is a dead letter, and its neighbours run: %s', async (_, breakIt) => {
    const queue = q.newQueue()
    const ids = []
    for (let n = 0; n < 3; n++) ids.push((await q.add(queue, { input: n })).id)
    const [before, broken, after] = ids as [string, string, string]
    await breakIt(jobKey(queue, broken))
    const ran: string[] = []
    const { errors } = await q.consume(
      queue,
      guarded(async ({ claim }) => {
        ran.push(claim.id)
        return succeed()
      }),
    )
    await q.readWhen(queue, after, ({ status }) => status === 'succeeded')
    expect(ran).toEqual([before, after])
    const job = await q.read(queue, broken)
    expect(job).toMatchObject({ status: 'failed', attempt: 1, attemptsUsed: 1, error: { kind: 'unreadable' } })
    expect(errors).toEqual([])
    const k = bullKeys(queue)
    expect(await q.redis.zrange(k.failed, '0', '-1')).toEqual([broken])
    expect([
      await q.redis.llen(k.wait),
      await q.redis.llen(k.active),
      await q.redis.exists(lockKey(queue, broken)),
    ]).toEqual([0, 0, 0])
  })

  it('keeps what was stored, and dies again when it is redriven as it is', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    await q.redis.hset(jobKey(queue, id), 'data', '{"a":')
    await q.consume(queue, guarded())
    const first = await q.readWhen(queue, id, ({ status }) => status === 'failed')
    expect(first.input).toBe('{"a":')
    await redriveJob(q.redis, { queue, id }, { by: 'test' })
    const second = await q.readWhen(queue, id, ({ status, attempt }) => status === 'failed' && attempt === 2)
    expect(second).toMatchObject({ attemptsUsed: 1, error: { kind: 'unreadable' } })
  })

  it('runs when it was mended before it is redriven', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    await q.redis.hset(jobKey(queue, id), 'opts', '{')
    await q.consume(queue, guarded())
    await q.readWhen(queue, id, ({ status }) => status === 'failed')
    await q.redis.hset(jobKey(queue, id), 'opts', '{"attempts":2}')
    await redriveJob(q.redis, { queue, id }, { by: 'test' })
    expect(await q.readWhen(queue, id, ({ status }) => status === 'succeeded')).toMatchObject({
      attempt: 2,
      maxAttempts: 2,
    })
  })
})

describe('the end of an attempt', () => {
  it.each([
    ['succeeded', succeed],
    ['failed', async () => dead('no')],
  ] as const)('stands if the next fetch goes wrong: %s', async (status, run) => {
    const queue = q.newQueue()
    const { id } = await q.add(queue, { maxAttempts: 5 })
    const next = await q.add(queue)
    await q.redis.hset(jobKey(queue, next.id), 'ats', 'many')
    const lost: unknown[] = []
    const { errors } = await q.consume(queue, run, { onLost: (claim) => void lost.push(claim) })
    const { id: last } = await q.add(queue)
    await q.readWhen(queue, last, (job) => job.status === status)
    expect(await q.read(queue, id)).toMatchObject({ status, attempt: 1, attemptsUsed: status === 'failed' ? 1 : 0 })
    expect(errors).toMatchObject([{ message: expect.stringContaining('hash value is not an integer') }])
    expect(lost).toEqual([])
  })
})

describe('a job that is passed on by workers that have no handler for it', () => {
  it('knows how often in a row, until one runs it or it is redriven', async () => {
    const queue = q.newQueue()
    const passOn = (passes: number): Settlement => ({ kind: 'snoozed', delayMs: 0, reason: 'not here', passes })
    const snooze: Settlement = { kind: 'snoozed', delayMs: 0, reason: 'not now' }
    const ends = [passOn(1), passOn(2), snooze, passOn(1), retry(0), passOn(1), dead('no')]
    const passes: number[] = []
    await q.consume(queue, async ({ claim }) => {
      passes.push(claim.passes)
      return ends[claim.attempt - 1] ?? succeed()
    })
    const { id } = await q.add(queue)
    await q.readWhen(queue, id, ({ status }) => status === 'failed')
    await redriveJob(q.redis, { queue, id }, { by: 'test' })
    await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    expect(passes).toEqual([0, 1, 2, 0, 1, 0, 1, 0])
  })
})

describe('an attempt that ends before it hears that its job is cancelled', () => {
  const PUT_BACK: [string, Settlement][] = [
    ['a retry', retry(3_600_000)],
    ['a snooze', { kind: 'snoozed', delayMs: 3_600_000, reason: 'not now' }],
    ['a hand-back', { kind: 'handed_back', reason: 'the worker is shutting down' }],
    ['a dead letter', dead('no')],
  ]

  it.each(PUT_BACK)('ends the job, which would have become %s', async (_, settlement) => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    const next = await q.add(queue)
    const { errors } = await q.consume(queue, async ({ claim }) => {
      if (claim.id === next.id) return succeed()
      await cancelJob(q.redis, claim, { by: 'ops', reason: 'wrong input' })
      return settlement
    })
    await q.readWhen(queue, next.id, ({ status }) => status === 'succeeded')
    const job = await q.read(queue, id)
    expect(job).toMatchObject({ status: 'cancelled', attempt: 1, attemptsUsed: 0, error: null, output: null })
    expect(job.timeline.map(({ event }) => event)).toEqual(['created', 'started', 'cancelled'])
    expect(job.timeline.at(-1)).toMatchObject({ detail: 'wrong input' })
    expect(errors).toEqual([])
  })

  it('says what became of a handler that was told to stop for something else', async () => {
    const queue = q.newQueue()
    await q.consume(queue, async ({ claim }) => {
      await cancelJob(q.redis, claim, { by: 'ops', reason: 'wrong input' })
      return { ...(retry(3_600_000) as Settlement & { kind: 'retry' }), how: 'killed' }
    })
    const { id } = await q.add(queue)
    const job = await q.readWhen(queue, id, ({ status }) => status === 'cancelled')
    expect(job.timeline.at(-1)).toMatchObject({ detail: 'wrong input; its process was killed' })
  })

  it('ends the job also if its worker shuts down', async () => {
    const queue = q.newQueue()
    const running = Promise.withResolvers<void>()
    const { consumer } = await q.consume(queue, (attempt) => {
      running.resolve()
      return untilStopped(attempt)
    })
    const { id } = await q.add(queue)
    await running.promise
    await Promise.all([cancelJob(q.redis, { queue, id }, { by: 'ops' }), consumer.stop(0)])
    expect(await q.read(queue, id)).toMatchObject({ status: 'cancelled', attempt: 1 })
  })

  it('keeps its success', async () => {
    const queue = q.newQueue()
    await q.consume(queue, async ({ claim }) => {
      await cancelJob(q.redis, claim, { by: 'ops' })
      return succeed()
    })
    const { id } = await q.add(queue)
    expect(await q.readWhen(queue, id, ({ status }) => status !== 'running' && status !== 'queued')).toMatchObject({
      status: 'succeeded',
    })
  })

  it('ends the job also if the request was broken by hand', async () => {
    const queue = q.newQueue()
    await q.consume(queue, async ({ claim }) => {
      await q.redis.hset(jobKey(queue, claim.id), 'cx', '{')
      return dead('no')
    })
    const { id } = await q.add(queue)
    const job = await q.readWhen(queue, id, ({ status }) => status === 'cancelled')
    expect(job.timeline.at(-1)).toMatchObject({ detail: 'the request to cancel it cannot be read' })
  })
})
