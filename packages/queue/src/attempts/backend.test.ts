import { describe, expect, it } from 'vitest'
import { dead, guarded, openTestQueues, succeed } from '../fixtures/test-queues.ts'
import { redriveJob } from '../jobs/moves.ts'
import { bullKeys, jobKey, lockKey } from '../keys.ts'

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
