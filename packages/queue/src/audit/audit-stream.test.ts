import { type AuditBegin, type AuditEnd, newJobId } from '@foliot/jobs'
import { startRedis } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { openTestQueues } from '../fixtures/test-queues.ts'
import { auditKey, auditOutcomesKey } from '../keys.ts'
import {
  type AuditBounds,
  beginAudit,
  countAudit,
  endAudit,
  readAuditAfter,
  readAuditBefore,
  takeAudit,
  withdrawAudit,
} from './audit-stream.ts'

const TARGET = { kind: 'job', id: 'j1', tenant: null }

const newBegin = (): AuditBegin => ({
  id: newJobId(Date.now()),
  actor: { id: 'k1', name: 'ops', tenant: null },
  ip: '127.0.0.1',
  forwardedFor: null,
  userAgent: null,
  action: 'job.cancel',
  target: TARGET,
  asked: null,
  reason: 'because',
  traceId: '0af7651916cd43dd8448eb211c80319c',
})

const END: AuditEnd = {
  status: 200,
  code: null,
  target: TARGET,
  before: 1,
  after: 2,
  endedAt: '2026-01-01T00:00:00.000Z',
}

const unrecorded = { isRecorded: false }

/** A Redis without entries. */
async function openEmpty() {
  const { redis } = await openTestQueues()
  const add = async (bounds: AuditBounds = unrecorded) => {
    const begin = newBegin()
    return { begin, id: begin.id, place: await beginAudit(redis, begin, bounds) }
  }
  return { redis, add }
}

describe('the audit in Redis', () => {
  it('has an entry before the change, and its outcome with it afterwards', async () => {
    const { redis, add } = await openEmpty()
    const { begin, id, place } = await add()
    const [at] = place.split('-').map(Number)
    expect((await readAuditBefore(redis, {}, 10)).entries).toEqual([{ place, at, id, begin, end: undefined }])
    await endAudit(redis, { begin, place }, END)
    await endAudit(redis, { begin, place }, { ...END, status: 500 })
    for (const read of [readAuditBefore(redis, {}, 10), readAuditAfter(redis, undefined, 10)]) {
      expect(await read).toEqual({ entries: [{ place, at, id, begin, end: END }], unreadable: [], last: place })
    }
  })

  it('is read from either end, page by page', async () => {
    const { redis, add } = await openEmpty()
    const ids: string[] = []
    for (let i = 0; i < 7; i++) ids.push((await add()).id)
    const up: string[] = []
    const down: string[] = []
    for (let page = await readAuditAfter(redis, undefined, 3); page.last; ) {
      up.push(...page.entries.map(({ id }) => id))
      page = await readAuditAfter(redis, page.last, 3)
    }
    for (let page = await readAuditBefore(redis, {}, 3); page.last; ) {
      down.push(...page.entries.map(({ id }) => id))
      page = await readAuditBefore(redis, { before: page.last }, 3)
    }
    expect([up, down]).toEqual([ids, ids.toReversed()])
    const { at = 0 } = (await readAuditBefore(redis, {}, 1)).entries[0] ?? {}
    expect((await readAuditBefore(redis, { notAfter: at }, 100)).entries).toHaveLength(7)
    expect((await readAuditBefore(redis, { notAfter: at - 60_000 }, 100)).entries).toEqual([])
  })

  it('keeps an entry whose outcome came after it was read', async () => {
    const { redis, add } = await openEmpty()
    const [done, open] = [await add(), await add()]
    await endAudit(redis, done, END)
    const { entries } = await readAuditAfter(redis, undefined, 10)
    await endAudit(redis, open, END)
    expect(await takeAudit(redis, entries)).toBe(1)
    const left = await readAuditAfter(redis, undefined, 10)
    expect(left.entries.map(({ id, end }) => [id, end])).toEqual([[open.id, END]])
    expect(await takeAudit(redis, left.entries)).toBe(1)
    expect(await takeAudit(redis, left.entries)).toBe(0)
    expect([await countAudit(redis), await redis.exists(auditOutcomesKey)]).toEqual([0, 0])
  })

  it('has an entry that left before its outcome once more, with both and the time that it had', async () => {
    const { redis, add } = await openEmpty()
    const [taken, lost] = [await add(), await add()]
    const before = (await readAuditAfter(redis, undefined, 10)).entries
    await takeAudit(redis, before.slice(0, 1))
    await endAudit(redis, taken, END)
    await redis.del(auditKey, auditOutcomesKey)
    await add()
    for (let times = 0; times < 2; times++) for (const late of [lost, taken]) await endAudit(redis, late, END)
    const { entries } = await readAuditAfter(redis, undefined, 10)
    expect(entries.slice(1).map(({ id, at, begin, end }) => ({ id, at, begin, end }))).toEqual(
      [lost, taken].map(({ id, begin }) => ({ id, at: before.find((entry) => entry.id === id)?.at, begin, end: END })),
    )
    await takeAudit(redis, entries)
    expect([await countAudit(redis), await redis.exists(auditOutcomesKey)]).toEqual([0, 0])
  })

  it('forgets the oldest where nobody takes them, with their outcomes', async () => {
    const { redis, add } = await openEmpty()
    const bounds = { isRecorded: false, most: 3 }
    const all = []
    for (let i = 0; i < 5; i++) {
      const one = await add(bounds)
      await endAudit(redis, one, END)
      all.push(one)
    }
    const { entries } = await readAuditAfter(redis, undefined, 10)
    expect(entries.map(({ id }) => id)).toEqual(all.slice(2).map(({ id }) => id))
    expect(await redis.hlen(auditOutcomesKey)).toBe(3)
  })

  it('forgets none that is to be taken: beyond the bound nothing may be changed', async () => {
    const { redis, add } = await openEmpty()
    const bounds = { isRecorded: true, most: 2 }
    for (let i = 0; i < 2; i++) await add(bounds)
    await expect(add(bounds)).rejects.toMatchObject({ code: 'unavailable', message: /fewer than 2 audit entries/ })
    expect(await countAudit(redis)).toBe(2)
  })

  it('takes up no more room than it may', async () => {
    const { redis, add } = await openEmpty()
    const large = { ...newBegin(), asked: 'x'.repeat(8000) }
    const mostBytes = 400_000
    const bounds = { isRecorded: false, mostBytes }
    for (let i = 0; i < 200; i++) await beginAudit(redis, large, bounds)
    const { id: last } = await add(bounds)
    expect(await redis.memory('USAGE', auditKey)).toBeLessThan(mostBytes + 10_000)
    expect((await readAuditBefore(redis, {}, 1)).entries[0]?.id).toBe(last)
    await expect(add({ isRecorded: true, mostBytes: 1000 })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/of at most 1000 bytes$/),
    })
  })

  it('tells what cannot be read, and reads the others', async () => {
    const { redis, add } = await openEmpty()
    const { id } = await add()
    await redis.xadd(auditKey, '*', 'id', 'x', 'begin', '{')
    await redis.xadd(auditKey, '*', 'some', 'thing')
    const { entries, unreadable } = await readAuditAfter(redis, undefined, 10)
    expect(entries.map((entry) => entry.id)).toEqual([id])
    expect(unreadable.map(({ problem }) => problem)).toEqual([
      expect.stringMatching(/JSON/),
      'expected an entry with `begin`, got undefined',
    ])
  })

  it('is written also while Redis is full', async () => {
    const server = await startRedis()
    const { redis } = await openTestQueues(server.url)
    await redis.config('SET', 'maxmemory', '1')
    await expect(redis.set('key', 'value')).rejects.toThrow(/^OOM/)
    const begin = newBegin()
    const place = await beginAudit(redis, begin, unrecorded)
    await endAudit(redis, { begin, place }, END)
    expect((await readAuditAfter(redis, undefined, 10)).entries).toMatchObject([{ id: begin.id, begin, end: END }])
  })

  it('may leave out what was refused while Redis is full, and can take it back', async () => {
    const server = await startRedis()
    const { redis } = await openTestQueues(server.url)
    const begin = newBegin()
    const place = await beginAudit(redis, begin, unrecorded)
    await redis.config('SET', 'maxmemory', '1')
    await expect(beginAudit(redis, newBegin(), { ...unrecorded, evenIfFull: false })).rejects.toThrow(/OOM/)
    await expect(endAudit(redis, { begin, place }, END, false)).rejects.toThrow(/OOM/)
    await withdrawAudit(redis, place)
    expect([await countAudit(redis), await redis.exists(auditOutcomesKey)]).toEqual([0, 0])
  })
})
