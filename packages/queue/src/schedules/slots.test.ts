import { beforeEach, describe, expect, it } from 'vitest'
import { openTestQueues } from '../fixtures/test-queues.ts'
import { schedulersKey, slotLeasesKey } from '../keys.ts'
import { holdSlots, leaveSlots, listSchedulers, SLOTS, slotOf } from './slots.ts'

const q = await openTestQueues()
beforeEach(() => q.redis.flushdb())

const hold = (scheduler: string, wanted: number[], unwanted: number[] = [], ttlMs = 60_000) =>
  holdSlots(q.redis, { scheduler, ttlMs, wanted, unwanted })

/** As after so long a silence of everybody. */
async function age(): Promise<void> {
  for (const [slot, lease] of Object.entries(await q.redis.hgetall(slotLeasesKey)))
    await q.redis.hset(slotLeasesKey, slot, lease.replace(/\d+$/, '1'))
}

describe('slotOf', () => {
  it('shares schedules out evenly', () => {
    const counts = new Map<number, number>()
    for (let i = 0; i < 64_000; i++) {
      const slot = slotOf(`default/s${i}`)
      counts.set(slot, (counts.get(slot) ?? 0) + 1)
    }
    expect(counts.size).toBe(SLOTS)
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(200)
  })
})

describe('holdSlots', () => {
  it('gives a slot to one scheduler, and the same token for as long as it has it', async () => {
    const first = await hold('a', [1, 2])
    expect([...first.tokens.keys()]).toEqual([1, 2])
    expect((await hold('b', [2, 3])).tokens).toEqual(new Map([[3, expect.any(Number)]]))
    expect((await hold('a', [1, 2])).tokens).toEqual(first.tokens)
    expect((await hold('a', [1])).schedulers).toEqual(['a', 'b'])
  })

  it('gives it to another with a greater token when it was given back, or not renewed', async () => {
    const [mine] = (await hold('a', [1])).tokens.values()
    await hold('a', [], [1])
    const [theirs] = (await hold('b', [1])).tokens.values()
    expect(theirs).toBeGreaterThan(mine as number)
    await age()
    const [again] = (await hold('a', [1])).tokens.values()
    expect(again).toBeGreaterThan(theirs as number)
    expect((await hold('b', [1])).tokens.size).toBe(0)
  })

  it('does not give out a token again that Redis has lost', async () => {
    const [mine] = (await hold('a', [1])).tokens.values()
    await q.redis.flushdb()
    const [theirs] = (await hold('b', [1])).tokens.values()
    expect(theirs).toBeGreaterThanOrEqual(mine as number)
  })

  it('gives back nothing that is another’s', async () => {
    await hold('a', [1])
    await hold('b', [], [1])
    expect((await hold('b', [1])).tokens.size).toBe(0)
  })

  it('knows who was heard of lately, and tells the time of Redis', async () => {
    await hold('a', [])
    await q.redis.zadd(schedulersKey, 1, 'gone')
    const { now, schedulers, epoch, revision } = await hold('b', [])
    expect({ schedulers, epoch, revision }).toEqual({ schedulers: ['a', 'b'], epoch: undefined, revision: undefined })
    expect(Math.abs(now - Date.now())).toBeLessThan(60_000)
    expect([...(await listSchedulers(q.redis)).keys()].sort()).toEqual(['a', 'b'])
  })
})

describe('a clock that was set back', () => {
  it('keeps neither schedulers nor leases of before', async () => {
    await hold('a', [1])
    const ahead = Date.now() + 3_600_000
    await q.redis.zadd(schedulersKey, ahead, 'a')
    await q.redis.hset(slotLeasesKey, 1, `a 5 ${ahead}`)
    const { tokens, schedulers } = await hold('b', [1])
    expect([tokens.size, schedulers]).toEqual([1, ['b']])
  })
})

describe('leaveSlots', () => {
  it('leaves nothing that others would have to wait for', async () => {
    await hold('a', [1, 2])
    await leaveSlots(q.redis, 'a', [1, 2])
    const { tokens, schedulers } = await hold('b', [1, 2])
    expect([tokens.size, schedulers]).toEqual([2, ['b']])
  })
})
