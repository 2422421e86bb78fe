import { describe, expect, it } from 'vitest'
import { openTestQueues } from '../fixtures/test-queues.ts'
import { bullKeys, jobKey, lockKey } from '../keys.ts'
import { runScript } from '../redis/scripts.ts'
import { LOCK_MS, type Lock, markBlocked, type RunLockScript, renew, renewClaimed } from './lock-scripts.ts'

const q = await openTestQueues()
const run: RunLockScript = (name, keys, args) => runScript(q.redis, name, keys, args)

/** A job of which somebody is said to run attempt 2. */
async function running(queue: string, token: string): Promise<Lock> {
  const { id } = await q.add(queue)
  await q.redis.hset(jobKey(queue, id), 'ats', '2')
  await q.redis.lrem(bullKeys(queue).wait, 1, id)
  await q.redis.lpush(bullKeys(queue).active, id)
  await q.redis.set(lockKey(queue, id), token, 'PX', 1000)
  return { queue, id, token, attempt: 2, stalls: '0' }
}

describe('renew', () => {
  it('tells which locks are lost, and of which jobs somebody wants the end', async () => {
    const queue = q.newQueue()
    const [lost, asked, other] = [await running(queue, 'a'), await running(queue, 'a'), await running(queue, 'a')]
    await q.redis.set(lockKey(queue, lost.id), 'theirs')
    const request = '{"by":"ops","reason":"wrong file","at":1}'
    await q.redis.hset(jobKey(queue, asked.id), 'cx', request)
    await q.redis.hset(jobKey(queue, lost.id), 'cx', request)
    expect(await renew(run, queue, [other, lost, asked])).toEqual({ lost: [1], asked: [[2, request]] })
    expect(await renew(run, queue, [])).toEqual({ lost: [], asked: [] })
  })
})

describe('renewClaimed', () => {
  it('renews the locks of one worker, whatever it knows of them, and no others', async () => {
    const queue = q.newQueue()
    const [mine, alsoMine] = [await running(queue, 'me:1'), await running(queue, 'me:27')]
    const [theirs, free] = [await running(queue, 'mean:1'), await running(queue, 'me:2')]
    await q.redis.del(lockKey(queue, free.id))
    const { stalled } = bullKeys(queue)
    await q.redis.sadd(stalled, mine.id, theirs.id, free.id)
    await renewClaimed(run, queue, 'me:')
    for (const { id } of [mine, alsoMine]) expect(await q.redis.pttl(lockKey(queue, id))).toBeGreaterThan(LOCK_MS / 2)
    expect(await q.redis.pttl(lockKey(queue, theirs.id))).toBeLessThanOrEqual(1000)
    expect(await q.redis.exists(lockKey(queue, free.id))).toBe(0)
    expect((await q.redis.smembers(stalled)).sort()).toEqual([theirs.id, free.id].sort())
  })
})

describe('markBlocked', () => {
  it('notes the attempt in the job, unless another one has it by now', async () => {
    const queue = q.newQueue()
    const [mine, theirs] = [await running(queue, 'a'), await running(queue, 'b')]
    await markBlocked(run, mine)
    await markBlocked(run, { ...theirs, token: 'a' })
    expect(JSON.parse((await q.redis.hget(jobKey(queue, mine.id), 'wd')) ?? '')).toEqual({
      attempt: 2,
      at: expect.any(Number),
    })
    expect(await q.redis.hexists(jobKey(queue, theirs.id), 'wd')).toBe(0)
  })
})
