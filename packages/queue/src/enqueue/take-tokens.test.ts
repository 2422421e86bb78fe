import { expect, it } from 'vitest'
import { openTestQueues } from '../fixtures/test-queues.ts'
import { enqueueBucketKey } from '../keys.ts'
import { takeTokens } from './take-tokens.ts'

const q = await openTestQueues()
const HOUR_MS = 3_600_000

it('gives as many as there are, and tells when there are more', async () => {
  const rate = { max: 10, perMs: HOUR_MS }
  expect(await takeTokens(q.redis, 'acme', rate, 4)).toMatchObject({ taken: 4, left: 6 })
  const last = await takeTokens(q.redis, 'acme', rate, 8)
  expect(last).toMatchObject({ taken: 6, left: 0 })
  const none = await takeTokens(q.redis, 'acme', rate, 1)
  expect(none).toMatchObject({ taken: 0, left: 0 })
  expect(none.nextInMs).toBeLessThanOrEqual(HOUR_MS / 10)
  expect(none.nextInMs).toBeGreaterThan(0)
  expect(none.fullInMs).toBeLessThanOrEqual(HOUR_MS)
  expect(none.fullInMs).toBeGreaterThan(none.nextInMs)
})

it('keeps tenants apart', async () => {
  const rate = { max: 1, perMs: HOUR_MS }
  await takeTokens(q.redis, 'a', rate, 1)
  expect((await takeTokens(q.redis, 'a', rate, 1)).taken).toBe(0)
  expect((await takeTokens(q.redis, 'b', rate, 1)).taken).toBe(1)
})

it('never gives more than flows in, however many ask at once', async () => {
  const rate = { max: 50, perMs: 10 * HOUR_MS }
  const asked = await Promise.all(Array.from({ length: 200 }, () => takeTokens(q.redis, 'crowd', rate, 1)))
  expect(asked.reduce((sum, { taken }) => sum + taken, 0)).toBe(50)
})

it('fills evenly with time', async () => {
  const rate = { max: 100, perMs: HOUR_MS }
  await takeTokens(q.redis, 'even', rate, 100)
  // As if half an hour had passed.
  await q.redis.hincrbyfloat(enqueueBucketKey('even'), 'at', -HOUR_MS / 2)
  expect(await takeTokens(q.redis, 'even', rate, 200)).toMatchObject({ taken: 50, left: 0 })
  await q.redis.hincrbyfloat(enqueueBucketKey('even'), 'at', -10 * HOUR_MS)
  expect((await takeTokens(q.redis, 'even', rate, 200)).taken).toBe(100)
})

it('takes nothing away when the clock of Redis is set back', async () => {
  const rate = { max: 10, perMs: HOUR_MS }
  await takeTokens(q.redis, 'back', rate, 4)
  await q.redis.hincrbyfloat(enqueueBucketKey('back'), 'at', HOUR_MS)
  expect(await takeTokens(q.redis, 'back', rate, 1)).toMatchObject({ taken: 1, left: 5 })
})

it('holds a limit that was lowered at once', async () => {
  await takeTokens(q.redis, 'low', { max: 100, perMs: HOUR_MS }, 1)
  expect(await takeTokens(q.redis, 'low', { max: 5, perMs: HOUR_MS }, 50)).toMatchObject({ taken: 5, left: 0 })
})

it('is forgotten once it is full again', async () => {
  await takeTokens(q.redis, 'gone', { max: 10, perMs: HOUR_MS }, 1)
  const ttl = await q.redis.pttl(enqueueBucketKey('gone'))
  expect(ttl).toBeGreaterThan(0)
  expect(ttl).toBeLessThanOrEqual(HOUR_MS)
})
