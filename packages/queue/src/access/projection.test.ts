import { expect, it } from 'vitest'
import { openTestQueues } from '../fixtures/test-queues.ts'
import { accessRevisionKey, accessSnapshotKey } from '../keys.ts'
import { projectAccess, projectedRevision, readProjection } from './projection.ts'

const { redis } = await openTestQueues()

it('keeps what is newest, whoever comes last', async () => {
  expect([await projectedRevision(redis), await readProjection(redis)]).toEqual([undefined, undefined])
  expect(await projectAccess(redis, 1_795_288_456_213, 'later')).toBe(true)
  expect(await projectAccess(redis, 1_795_288_456_212, 'earlier')).toBe(false)
  expect(await projectAccess(redis, 1_795_288_456_213, 'the same')).toBe(false)
  expect([await projectedRevision(redis), await readProjection(redis)]).toEqual([1_795_288_456_213, 'later'])
})

it.each([accessRevisionKey, accessSnapshotKey])('takes it for lost when %s is gone', async (key) => {
  await projectAccess(redis, 7, 'seven')
  await redis.del(key)
  expect(await projectedRevision(redis)).toBeUndefined()
  expect(await projectAccess(redis, 6, 'six')).toBe(true)
  expect([await projectedRevision(redis), await readProjection(redis)]).toEqual([6, 'six'])
  await redis.flushdb()
})
