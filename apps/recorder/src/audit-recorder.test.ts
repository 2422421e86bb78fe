import { searchAudit } from '@foliot/history'
import { type AuditBegin, type AuditEnd, type AuditEntry, newJobId } from '@foliot/jobs'
import { beginAudit, countAudit, endAudit } from '@foliot/queue'
import { startPostgres, startRedis, waitUntil } from '@foliot/testkit'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { openTestBed, type TestBed } from './fixtures/test-bed.ts'

const TARGET = { kind: 'job', id: 'j1', tenant: 'acme' }
const END: AuditEnd = {
  status: 200,
  code: null,
  target: TARGET,
  before: 1,
  after: 2,
  endedAt: '2026-01-01T00:00:00.000Z',
}

/** Writes an entry as an api does, before the change. */
async function begin({ redis }: TestBed) {
  const begin: AuditBegin = {
    id: newJobId(Date.now()),
    actor: { id: 'k1', name: 'ops', tenant: null },
    ip: '127.0.0.1',
    forwardedFor: null,
    userAgent: null,
    action: 'job.cancel',
    target: { ...TARGET, tenant: null },
    asked: null,
    reason: null,
    traceId: '0af7651916cd43dd8448eb211c80319c',
  }
  return { begin, id: begin.id, place: await beginAudit(redis, begin, { isRecorded: true }) }
}

async function change(bed: TestBed, end: Partial<AuditEnd> = {}): Promise<string> {
  const entry = await begin(bed)
  await endAudit(bed.redis, entry, { ...END, ...end })
  return entry.id
}

/** What the history has; nothing while there is no table yet. */
const recorded = (bed: TestBed): Promise<AuditEntry[]> => searchAudit(bed.db, {}, 10_000).catch(() => [])

const untilTaken = ({ redis }: TestBed, left = 0): Promise<unknown> =>
  waitUntil(async () => (await countAudit(redis)) === left, { timeoutMs: 30_000, what: `${left} entries in Redis` })

describe('the recorder', () => {
  it('takes the audit into the history, and removes it from Redis', async () => {
    const bed = await openTestBed()
    const ids = [await change(bed), await change(bed, { status: 409, code: 'illegal_transition' })]
    await bed.startRecorder()
    await untilTaken(bed)
    expect(await recorded(bed)).toMatchObject([
      { id: ids[1], outcome: 'refused', code: 'illegal_transition', target: TARGET },
      { id: ids[0], outcome: 'ok', code: null, before: 1, after: 2, target: TARGET },
    ])
    expect(await bed.redis.exists('foliot-x:{audit}:outcomes')).toBe(0)
  })

  it('killed between writing and removing makes no double', async () => {
    const postgres = await startPostgres()
    await postgres.kill()
    const bed = await openTestBed({ redisUrl: (await startRedis()).url, databaseUrl: postgres.url })
    const ids: string[] = []
    for (let i = 0; i < 700; i++) ids.push(await change(bed))
    const recorder = await bed.startRecorder()
    // Nothing can be removed from here on, and only then written.
    await bed.redis.config('SET', 'min-replicas-to-write', '1')
    await startPostgres({ dir: postgres.dir, port: postgres.port })
    await waitUntil(async () => (await recorded(bed)).length >= 500, { timeoutMs: 20_000 })
    await recorder.kill()
    expect(await countAudit(bed.redis)).toBe(ids.length)
    await bed.redis.config('SET', 'min-replicas-to-write', '0')
    await Promise.all([bed.startRecorder(), bed.startRecorder()])
    await untilTaken(bed)
    expect((await recorded(bed)).map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
  })

  it('waits for the outcome of what is being done', async () => {
    const bed = await openTestBed()
    const open = await begin(bed)
    await bed.startRecorder()
    await change(bed)
    await untilTaken(bed, 1)
    expect((await recorded(bed)).map(({ outcome }) => outcome)).toEqual(['ok'])
    await endAudit(bed.redis, open, END)
    await untilTaken(bed)
    expect((await recorded(bed)).map(({ outcome }) => outcome)).toEqual(['ok', 'ok'])
  })

  it('takes what nobody ended after a while, and adds an outcome that comes all the same', async () => {
    const bed = await openTestBed()
    const { begin: entry, id } = await begin(bed)
    const at = Date.now() - 6 * 60_000
    const place = `${at}-0`
    await bed.redis.del('foliot-x:{audit}:entries')
    await bed.redis.xadd('foliot-x:{audit}:entries', place, 'id', id, 'begin', JSON.stringify(entry))
    await bed.startRecorder()
    await untilTaken(bed)
    expect(await recorded(bed)).toMatchObject([{ id, outcome: 'unknown', status: null }])
    await endAudit(bed.redis, { begin: entry, place }, END)
    await waitUntil(async () => (await recorded(bed))[0]?.outcome === 'ok')
    await untilTaken(bed)
    expect(await recorded(bed)).toMatchObject([{ id, at: new Date(at).toISOString(), status: 200, after: 2 }])
  })

  it('takes what was being done when Redis lost everything, as it began', async () => {
    const bed = await openTestBed({ redisUrl: (await startRedis()).url })
    const { begin: entry, id, place } = await begin(bed)
    await bed.redis.flushall()
    await change(bed)
    await endAudit(bed.redis, { begin: entry, place }, END)
    await bed.startRecorder()
    await untilTaken(bed)
    const at = new Date(Number(place.split('-')[0])).toISOString()
    expect((await recorded(bed)).at(-1)).toMatchObject({ id, at, action: 'job.cancel', outcome: 'ok', after: 2 })
  })

  it('goes on when PostgreSQL is back, with all that was done meanwhile', async () => {
    const server = await startPostgres()
    const bed = await openTestBed({ databaseUrl: server.url })
    const ids = [await change(bed)]
    const recorder = await bed.startRecorder()
    await untilTaken(bed)
    await server.kill()
    for (let i = 0; i < 50; i++) ids.push(await change(bed))
    await recorder.waitForLine(({ json }) =>
      /^the audit stays in Redis .* PostgreSQL cannot be reached/.test(String(json?.msg)),
    )
    expect(await countAudit(bed.redis)).toBe(50)
    await startPostgres({ dir: server.dir, port: server.port })
    await untilTaken(bed)
    expect((await recorded(bed)).map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
    expect(recorder.lines.filter(({ json }) => json?.level === 'error')).toHaveLength(1)
  })

  it('leaves what it cannot keep where it is, says so once, and takes the others', async () => {
    const bed = await openTestBed()
    await bed.redis.xadd('foliot-x:{audit}:entries', '*', 'id', 'x', 'begin', '{}')
    await bed.redis.xadd('foliot-x:{audit}:entries', '*', 'id', 'y', 'begin', '{"')
    await bed.redis.hset('foliot-x:{audit}:outcomes', 'x', JSON.stringify(END))
    const id = await change(bed)
    const recorder = await bed.startRecorder()
    await untilTaken(bed, 2)
    await change(bed)
    await untilTaken(bed, 2)
    expect((await recorded(bed)).map((entry) => entry.id)).toContain(id)
    const told = recorder.lines.filter(({ json }) => /audit entry that the history can keep/.test(String(json?.msg)))
    expect(told).toHaveLength(2)
  })

  it('drops what is older than FOLIOT_AUDIT_DAYS', async () => {
    const bed = await openTestBed()
    await change(bed)
    const first = await bed.startRecorder()
    await untilTaken(bed)
    await first.stop()
    await sql`
      insert into foliot.audit
      select gen_random_uuid(), at - interval '3 days', actor_id, actor_name, actor_tenant, ip, forwarded_for, user_agent,
        action, target_kind, target_id, target_tenant, asked, before, after, reason, status, code, ended_at, trace_id
      from foliot.audit`.execute(bed.db)
    const recorder = await bed.startRecorder({ FOLIOT_AUDIT_DAYS: '2' })
    await recorder.waitForLine(({ json }) => json?.entries === 1)
    expect(await recorded(bed)).toHaveLength(1)
  })
})
