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
  await q.redis.hincrbyfloat(enqueueBucketKey('even', rate), 'at', -HOUR_MS / 2)
  expect(await takeTokens(q.redis, 'even', rate, 200)).toMatchObject({ taken: 50, left: 0 })
  await q.redis.hincrbyfloat(enqueueBucketKey('even', rate), 'at', -10 * HOUR_MS)
  expect((await takeTokens(q.redis, 'even', rate, 200)).taken).toBe(100)
})

it('takes nothing away when the clock of Redis is set back', async () => {
  const rate = { max: 10, perMs: HOUR_MS }
  await takeTokens(q.redis, 'back', rate, 4)
  await q.redis.hincrbyfloat(enqueueBucketKey('back', rate), 'at', HOUR_MS)
  expect(await takeTokens(q.redis, 'back', rate, 1)).toMatchObject({ taken: 1, left: 5 })
})

it('begins anew with another rate, so that one that is raised helps at once', async () => {
  await takeTokens(q.redis, 'raised', { max: 2, perMs: HOUR_MS }, 2)
  expect(await takeTokens(q.redis, 'raised', { max: 5, perMs: HOUR_MS }, 50)).toMatchObject({ taken: 5, left: 0 })
})

it('takes back what was not used, and no more than it holds', async () => {
  const rate = { max: 3, perMs: HOUR_MS }
  await takeTokens(q.redis, 'back-again', rate, 3)
  await takeTokens(q.redis, 'back-again', rate, -1)
  expect((await takeTokens(q.redis, 'back-again', rate, 5)).taken).toBe(1)
  await takeTokens(q.redis, 'back-again', rate, -9)
  expect((await takeTokens(q.redis, 'back-again', rate, 5)).taken).toBe(3)
})

it('fills however often it is asked', async () => {
  const rate = { max: 1, perMs: 24 * HOUR_MS }
  await takeTokens(q.redis, 'asked', rate, 1)
  for (let i = 0; i < 1000; i++) {
    // As if 87 s had passed each time.
    await q.redis.hincrbyfloat(enqueueBucketKey('asked', rate), 'at', -87_000)
    if ((await takeTokens(q.redis, 'asked', rate, 1)).taken === 1) return
  }
  expect.unreachable('a day has passed')
})

it('is forgotten once it is full again', async () => {
  const rate = { max: 10, perMs: HOUR_MS }
  await takeTokens(q.redis, 'gone', rate, 1)
  const ttl = await q.redis.pttl(enqueueBucketKey('gone', rate))
  expect(ttl).toBeGreaterThan(0)
  expect(ttl).toBeLessThanOrEqual(HOUR_MS)
})
