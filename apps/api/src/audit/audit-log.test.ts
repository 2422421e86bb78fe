import { type AuditBegin, type AuditEntry, newJobId } from '@foliot/jobs'
import { connectForLoops, countAudit, defineScripts } from '@foliot/queue'
import { createLogger } from '@foliot/telemetry'
import { atEndOfFile, startRedis, testRedisUrl } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { AuditLog } from './audit-log.ts'

const FORBIDDEN = { status: 403, code: 'forbidden' } as const

const beginOf = (key: string): AuditBegin => ({
  id: newJobId(Date.now()),
  actor: { id: key, name: `key ${key}`, tenant: null },
  ip: '10.0.0.1',
  forwardedFor: null,
  userAgent: 'test/1',
  action: 'job.cancel',
  target: { kind: 'job', id: 'j1', tenant: null },
  asked: null,
  reason: null,
  traceId: '0af7651916cd43dd8448eb211c80319c',
})

/** Nothing is recorded, and time stands until it is moved. */
async function openLog(url?: string) {
  const redis = defineScripts(connectForLoops(url ?? (await testRedisUrl())))
  atEndOfFile(async () => redis.disconnect())
  const clock = { now: 0 }
  const log = createLogger({ app: 'api', level: 'silent' })
  const audit = new AuditLog({ redis, history: undefined, log, now: () => clock.now })
  const refuse = async (count: number, key = 'k1') => {
    for (let i = 0; i < count; i++) await audit.refuse(beginOf(key), FORBIDDEN)
  }
  const change = async (status: number, key = 'k1') => audit.end(await audit.begin(beginOf(key)), status)
  const entries = async (filter = {}): Promise<AuditEntry[]> => (await audit.list(filter, 1000)).items
  return { redis, clock, audit, refuse, change, entries }
}

describe('the audit', () => {
  it('has sixty refusals of a key and then one a second, and tells how many more there were', async () => {
    const { clock, audit, refuse, change, entries } = await openLog()
    await refuse(100)
    expect((await entries()).map(({ outcome, code }) => [outcome, code])).toEqual(
      Array.from({ length: 60 }, () => ['refused', 'forbidden']),
    )
    clock.now += 2500
    await refuse(10)
    // What its handler refused counts as well, and leaves nothing, not even that it was begun.
    for (const status of [400, 403, 404, 409]) await change(status)
    expect(await entries()).toHaveLength(62)
    await refuse(2, 'k2')
    expect(await entries({ actor: 'k2' })).toHaveLength(2)
    expect(await entries({ action: 'refusals.left_out' })).toEqual([])
    await audit.stop()
    expect(await entries({ action: 'refusals.left_out' })).toMatchObject([
      {
        actor: { id: 'k1', name: 'key k1' },
        ip: '10.0.0.1',
        userAgent: 'test/1',
        target: { kind: 'refusals', id: null, tenant: null },
        asked: { count: 40 + 8 + 4, since: expect.stringMatching(/Z$/) },
        outcome: 'refused',
        ...FORBIDDEN,
      },
    ])
    await audit.stop()
    expect(await entries()).toHaveLength(65)
  })

  it('has every change that was done, however many', async () => {
    const { refuse, change, entries } = await openLog()
    await refuse(70)
    for (let i = 0; i < 70; i++) await change(i % 2 === 0 ? 200 : 503)
    const outcomes = (await entries()).map(({ outcome }) => outcome)
    expect(Object.groupBy(outcomes, (outcome) => outcome)).toMatchObject({
      ok: { length: 35 },
      failed: { length: 35 },
      refused: { length: 60 },
    })
  })

  it('has no refusals while Redis is full, and what was done', async () => {
    const { redis, audit, refuse, change, entries } = await openLog((await startRedis()).url)
    await redis.config('SET', 'maxmemory', '1')
    await refuse(2)
    await change(409)
    await audit.stop()
    expect(await countAudit(redis)).toBe(0)
    await change(200)
    await redis.config('SET', 'maxmemory', '0')
    await audit.stop()
    const seen = await entries()
    expect(seen.map(({ action, outcome }) => [action, outcome])).toEqual([
      ['refusals.left_out', 'refused'],
      ['job.cancel', 'ok'],
    ])
    expect(seen[0]?.asked).toMatchObject({ count: 3 })
  })

  it('has an entry whose outcome came late where it was begun', async () => {
    const { redis, audit, change, entries } = await openLog()
    await change(200)
    const first = await audit.begin(beginOf('k1'))
    await redis.del('foliot-x:{audit}:entries', 'foliot-x:{audit}:outcomes')
    for (let i = 0; i < 3; i++) await change(200)
    await audit.end(first, 200)
    const seen = await entries()
    expect(seen.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok', 'ok'])
    expect(seen.at(-1)?.id).toBe(first.begin.id)
    const { items, next } = await audit.list({}, 3)
    expect([...items, ...(await audit.list({}, 3, next)).items]).toEqual(seen)
  })
})
