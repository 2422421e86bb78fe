import { newJobId } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { redriveOf } from '../fixtures/dead-letters.ts'
import { openTestQueues } from '../fixtures/test-queues.ts'
import { operationKey, operationLeasesKey } from '../keys.ts'
import { holdOperation, OPERATION_LEASE_MS, type OperationLease, takeOperation, turnOperation } from './lease.ts'
import { OPERATION_MOVES, OPERATION_STATES } from './operation.ts'
import { createOperation, readOperation } from './record.ts'

const q = await openTestQueues()

const create = async (): Promise<OperationLease> => (await createOperation(q.redis, redriveOf([]), 'first')).lease

/** As if whoever has the lease had not been heard of for as long as it lasts. */
const runOut = ({ id }: OperationLease, at = 1): Promise<unknown> => q.redis.zadd(operationLeasesKey, 'XX', at, id)

describe('a lease', () => {
  it('is of whoever created the operation, until it runs out', async () => {
    const lease = await create()
    expect(await takeOperation(q.redis, 'second')).toBeUndefined()
    const [now = 0] = await q.redis.time()
    const endsAt = Number(await q.redis.zscore(operationLeasesKey, lease.id))
    expect(endsAt - Number(now) * 1000).toBeGreaterThan(OPERATION_LEASE_MS - 2000)
    expect(endsAt - Number(now) * 1000).toBeLessThanOrEqual(OPERATION_LEASE_MS + 1000)
    await runOut(lease)
    const next = await takeOperation(q.redis, 'second')
    expect(next).toEqual({ id: lease.id, token: '2' })
    expect(await q.redis.hget(operationKey(lease.id), 'owner')).toBe('second')
    expect(await takeOperation(q.redis, 'third')).toBeUndefined()
    await holdOperation(q.redis, next as OperationLease, null)
  })

  it('is taken by one of many who ask at the same time', async () => {
    const lease = await create()
    await runOut(lease)
    const taken = await Promise.all(Array.from({ length: 20 }, (_, n) => takeOperation(q.redis, `process ${n}`)))
    const [one, ...more] = taken.filter((each) => each !== undefined)
    expect([one, more]).toEqual([{ id: lease.id, token: '2' }, []])
    await holdOperation(q.redis, one as OperationLease, null)
  })

  it('is renewed, given back and given up by who has it, and by nobody else', async () => {
    const old = await create()
    await runOut(old)
    const lease = (await takeOperation(q.redis, 'second')) as OperationLease
    const before = await q.redis.zscore(operationLeasesKey, lease.id)
    for (const forMs of [60_000, 0, null]) expect(await holdOperation(q.redis, old, forMs)).toBeUndefined()
    expect(await q.redis.zscore(operationLeasesKey, lease.id)).toBe(before)

    expect(await holdOperation(q.redis, lease, 60_000)).toBe('running')
    expect(Number(await q.redis.zscore(operationLeasesKey, lease.id))).toBeGreaterThan(Number(before) + 30_000)
    expect(await holdOperation(q.redis, lease, 0)).toBe('running')
    const next = (await takeOperation(q.redis, 'third')) as OperationLease
    expect(next).toEqual({ id: lease.id, token: '3' })
    expect(await holdOperation(q.redis, next, null)).toBe('running')
    expect(await q.redis.zscore(operationLeasesKey, lease.id)).toBeNull()
  })

  it('keeps the record for as long as it is renewed', async () => {
    const lease = await create()
    await q.redis.pexpire(operationKey(lease.id), 60_000)
    await holdOperation(q.redis, lease, null)
    expect(await q.redis.pttl(operationKey(lease.id))).toBeGreaterThan(7 * 24 * 60 * 60 * 1000)
  })

  it('of an operation whose record is gone is nobody’s', async () => {
    const [gone, there] = [await create(), await create()]
    await q.redis.del(operationKey(gone.id))
    await runOut(gone, 1)
    await runOut(there, 2)
    const lease = (await takeOperation(q.redis, 'second')) as OperationLease
    expect(lease.id).toBe(there.id)
    expect(await q.redis.zscore(operationLeasesKey, gone.id)).toBeNull()
    expect(await holdOperation(q.redis, gone, 0)).toBeUndefined()
    expect(await turnOperation(q.redis, gone, 'completed')).toBeUndefined()
    await holdOperation(q.redis, lease, null)
  })
})

describe.each(OPERATION_STATES)('an operation that is %s', (from) => {
  it.each(OPERATION_STATES.filter((to) => to !== from))('becomes %s, or does not', async (to) => {
    const lease = await create()
    await q.redis.hset(operationKey(lease.id), 'state', from)
    const legal = OPERATION_MOVES[from].includes(to)
    const turned = await turnOperation(q.redis, lease, to, 'for a reason')
    expect(turned).toEqual({ state: legal ? to : from, token: '1' })
    const operation = await readOperation(q.redis, lease.id)
    expect(operation.state).toBe(legal ? to : from)
    expect(operation.error).toBe(legal ? 'for a reason' : undefined)
    expect(operation.finishedAt !== undefined).toBe(legal && OPERATION_MOVES[to].length === 0)
    await holdOperation(q.redis, lease, null)
  })
})

describe('turnOperation', () => {
  it('is not for a driver that has lost its lease', async () => {
    const lease = await create()
    await runOut(lease)
    const next = (await takeOperation(q.redis, 'second')) as OperationLease
    expect(await turnOperation(q.redis, lease, 'completed')).toBeUndefined()
    expect((await readOperation(q.redis, lease.id)).state).toBe('running')
    await holdOperation(q.redis, next, null)
  })

  it('by a caller takes the lease away, and leaves it to the next who asks', async () => {
    const lease = await create()
    expect(await turnOperation(q.redis, { id: lease.id }, 'paused')).toEqual({ state: 'paused', token: '2' })
    expect(await holdOperation(q.redis, lease, 60_000)).toBeUndefined()
    const next = (await takeOperation(q.redis, 'second')) as OperationLease
    expect(next).toEqual({ id: lease.id, token: '3' })
    await holdOperation(q.redis, next, null)
  })

  it('finds no operation where there is none', async () => {
    expect(await turnOperation(q.redis, { id: newJobId(Date.now()) }, 'paused')).toBeUndefined()
  })
})
