import { describe, expect, it } from 'vitest'
import { openTestQueues } from '../fixtures/test-queues.ts'
import { bullKeys, jobKey, lockKey } from '../keys.ts'
import { runScript } from '../redis/scripts.ts'
import { LockRounds, RENEW_EVERY_MS, type Verdict } from './lock-rounds.ts'
import type { Lock, RunLockScript } from './lock-scripts.ts'
import { LockReader, LockTable } from './lock-table.ts'

const q = await openTestQueues()

/** Rounds over a table of their own, and the verdicts that they came to. */
function roundsOf(run: RunLockScript = (name, keys, args) => runScript(q.redis, name, keys, args)) {
  const reader = new LockReader()
  const table = new LockTable<string>((block) => reader.add(block))
  const verdicts: Verdict[] = []
  const rounds = new LockRounds(reader, run, (told) => verdicts.push(...told))
  const holder = ({ row, state }: Verdict) => table.holder(row, state)
  return { rounds, table, verdicts, holder }
}

const lockOf = (queue: string, id: string): Lock => ({ queue, id, token: 'mine', attempt: 1, stalls: '0' })

/** Makes jobs that are running, as far as a renewal looks at them. */
async function run(queue: string, ids: readonly string[]): Promise<void> {
  const pipeline = q.redis.pipeline()
  for (const id of ids) {
    pipeline.hset(jobKey(queue, id), 'ats', '1').lpush(bullKeys(queue).active, id)
    pipeline.set(lockKey(queue, id), 'mine', 'PX', 500)
  }
  await pipeline.exec()
}

describe('a round', () => {
  it('renews the locks of all queues, however many there are', async () => {
    const { rounds, table, verdicts } = roundsOf()
    const queues = [q.newQueue(), q.newQueue()]
    const ids = Array.from({ length: 1200 }, (_, n) => `job-${n}`)
    for (const queue of queues) {
      await run(queue, ids)
      for (const id of ids) table.hold(id, lockOf(queue, id))
    }
    await rounds.round(0)
    const left = await Promise.all(queues.flatMap((queue) => ids.map((id) => q.redis.pttl(lockKey(queue, id)))))
    expect(Math.min(...left)).toBeGreaterThan(500)
    expect(verdicts).toEqual([])
  })

  it('says whose job is lost, and whose is to end', async () => {
    const { rounds, table, verdicts, holder } = roundsOf()
    const queue = q.newQueue()
    await run(queue, ['kept', 'asked'])
    await q.redis.hset(jobKey(queue, 'asked'), 'cx', '{}')
    for (const id of ['kept', 'gone', 'asked']) table.hold(`the attempt at ${id}`, lockOf(queue, id))
    await rounds.round(0)
    expect(verdicts.map((verdict) => [holder(verdict), verdict.request])).toEqual([
      ['the attempt at gone', undefined],
      ['the attempt at asked', '{}'],
    ])
  })

  it('leaves alone what was released, and renews what is not in the table if it is told whose it is', async () => {
    const { rounds, table } = roundsOf()
    const queue = q.newQueue()
    await run(queue, ['released', 'unseen'])
    table.release(table.hold('it', lockOf(queue, 'released')))
    await rounds.round(0)
    for (const id of ['released', 'unseen']) expect(await q.redis.pttl(lockKey(queue, id))).toBeLessThanOrEqual(500)
    await rounds.round(0, [{ queue, tokenPrefix: 'mi' }])
    for (const id of ['released', 'unseen']) expect(await q.redis.pttl(lockKey(queue, id))).toBeGreaterThan(500)
  })

  it('is due after a while, and not while the one before waits for Redis', async () => {
    const answer = Promise.withResolvers<unknown>()
    const { rounds, table } = roundsOf(() => answer.promise)
    expect(rounds.isDue(0)).toBe(true)
    table.hold('it', lockOf('mail', 'a'))
    const round = rounds.round(5)
    expect(rounds.isDue(5 + 10 * RENEW_EVERY_MS)).toBe(false)
    answer.resolve([[], []])
    await round
    expect(rounds.isDue(4 + RENEW_EVERY_MS)).toBe(false)
    expect(rounds.isDue(5 + RENEW_EVERY_MS)).toBe(true)
  })

  it('that fails for one queue renews the others, and says why', async () => {
    const { rounds, table } = roundsOf()
    const [broken, whole] = [q.newQueue(), q.newQueue()]
    await run(whole, ['a'])
    await run(broken, ['a'])
    await q.redis.set(bullKeys(broken).stalled, 'no set')
    table.hold('one', lockOf(broken, 'a'))
    table.hold('another', lockOf(whole, 'a'))
    await expect(rounds.round(0)).rejects.toThrow('WRONGTYPE')
    expect(await q.redis.pttl(lockKey(whole, 'a'))).toBeGreaterThan(500)
    expect(rounds.isDue(RENEW_EVERY_MS)).toBe(true)
  })
})
