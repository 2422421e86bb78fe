import { type AuditEntry, type AuditFilter, fitsAudit, newJobId } from '@foliot/jobs'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import type { Database } from '../database.ts'
import { DAY_MS } from '../days.ts'
import { entryOf, testEnd, testRecord } from '../fixtures/test-audit.ts'
import { openTestDatabase } from '../fixtures/test-database.ts'
import { dropOldAudit } from './drop-old-audit.ts'
import { type AuditRecord, recordAudit } from './record-audit.ts'
import { searchAudit } from './search-audit.ts'

const all = (db: Database): Promise<AuditEntry[]> => searchAudit(db, {}, 1000)

const newest = (records: readonly AuditRecord[]): AuditEntry[] =>
  records.map(entryOf).sort((a, b) => (`${a.at} ${a.id}` < `${b.at} ${b.id}` ? 1 : -1))

describe('recordAudit', () => {
  it('keeps an entry whole, and once', async () => {
    const { db } = await openTestDatabase()
    const record = testRecord({
      reason: 'naïve 😀 “reason”',
      asked: { filter: { label: 'a:\u0000b' }, n: 1.5, list: [null, '\ud800'] },
      forwardedFor: '10.0.0.1',
    })
    for (let times = 0; times < 3; times++) expect(await recordAudit(db, [record, record])).toEqual([])
    expect(await all(db)).toEqual([entryOf(record)])
  })

  it('adds an outcome to an entry that has none, and changes nothing that has one', async () => {
    const { db } = await openTestDatabase()
    const [early, late] = [testRecord({}, { end: null }), testRecord({}, { end: null })]
    await recordAudit(db, [early, late])
    expect((await all(db)).map(({ outcome }) => outcome)).toEqual(['unknown', 'unknown'])
    const end = testEnd({ status: 409, code: 'illegal_transition' })
    await recordAudit(db, [{ ...early, end }])
    await recordAudit(db, [{ ...late, at: late.at + 60_000, end }])
    await recordAudit(db, [{ ...early, end: testEnd() }, early, { ...late, end: testEnd() }])
    expect(await all(db)).toEqual(
      newest([
        { ...early, end },
        { ...late, end },
      ]),
    )
  })

  it('keeps the others of a batch with one that no table takes, and says which it is', async () => {
    const { db } = await openTestDatabase()
    const odd = { ...testRecord(), id: 'no uuid' }
    const broken = { ...testRecord(), begin: {} as never }
    const good = Array.from({ length: 5 }, () => testRecord())
    const refused = await recordAudit(db, [...good.slice(0, 3), odd, broken, ...good.slice(3)])
    expect(refused).toEqual([
      { id: 'no uuid', reason: expect.stringMatching(/uuid/) },
      { id: broken.id, reason: expect.stringMatching(/undefined/) },
    ])
    expect(await all(db)).toEqual(newest(good))
  })
})

describe('the table', () => {
  it.each([
    ['a change of what was done', sql`update foliot.audit set action = 'job.retry'`],
    ['a change of who did it', sql`update foliot.audit set actor_name = 'nobody' where status is null`],
    ['an outcome with another change', sql`update foliot.audit set status = 200, ip = '' where status is null`],
    ['another outcome', sql`update foliot.audit set status = 500 where status is not null`],
    ['no outcome any more', sql`update foliot.audit set status = null`],
    ['a deletion', sql`delete from foliot.audit`],
    ['a truncation', sql`truncate foliot.audit`],
  ])('refuses %s', async (_, statement) => {
    const { db } = await openTestDatabase()
    const records = [testRecord(), testRecord({}, { end: null })]
    await recordAudit(db, records)
    await expect(statement.execute(db)).rejects.toMatchObject({ code: '42501' })
    expect(await all(db)).toEqual(newest(records))
  })

  it('gives up nothing of today, whatever a session says of the retention', async () => {
    const { db } = await openTestDatabase()
    await recordAudit(db, [testRecord()])
    const deleted = db.transaction().execute(async (tx) => {
      await sql`select set_config('foliot.audit_dropped_before', '2999-01-01', true)`.execute(tx)
      await sql`delete from foliot.audit`.execute(tx)
    })
    await expect(deleted).rejects.toMatchObject({ code: '42501' })
  })
})

describe('dropOldAudit', () => {
  it('deletes what is older than it has to be kept, and nothing else', async () => {
    const { db } = await openTestDatabase()
    const now = Date.now()
    const old = Array.from({ length: 2500 }, (_, i) => testRecord({}, { at: now - 31 * DAY_MS - i }))
    const young = [testRecord(), testRecord({}, { at: now - 29 * DAY_MS, end: null })]
    await recordAudit(db, [...old, ...young])
    expect(await dropOldAudit(db, { now, keepDays: 30 })).toBe(2500)
    expect(await dropOldAudit(db, { now, keepDays: 30 })).toBe(0)
    expect(await all(db)).toEqual(newest(young))
  })

  it.each([0, -1, Number.NaN])('refuses to keep them for %d days', async (keepDays) => {
    const { db } = await openTestDatabase()
    await expect(dropOldAudit(db, { now: Date.now(), keepDays })).rejects.toThrow(RangeError)
  })
})

describe('searchAudit', async () => {
  const { db } = await openTestDatabase()
  const now = Date.now()
  const records = [
    testRecord({ action: 'job.retry' }, { at: now - 5000, end: testEnd({ status: 404, code: 'not_found' }) }),
    testRecord({ actor: { id: 'k2', name: 'acme ops', tenant: 'acme' } }, { at: now - 4000 }),
    testRecord({ target: { kind: 'queue', id: 'demo', tenant: null } }, { at: now - 4000, end: null }),
    testRecord(
      { actor: { id: 'k3', name: 'other', tenant: 'other' } },
      { at: now - 2000, end: testEnd({ status: 503, target: { kind: 'queue', id: 'q', tenant: 'other' } }) },
    ),
    testRecord({}, { at: now }),
  ]
  await recordAudit(db, records)

  const injection = `' or true; drop table foliot.audit; --`
  it.each<AuditFilter>([
    {},
    { action: 'job.retry' },
    { actor: 'k2' },
    { actor: 'acme ops' },
    { target: 'queue' },
    { target: 'q' },
    { tenants: ['acme'] },
    { tenants: ['other'] },
    { tenants: ['acme', 'other'] },
    { outcome: 'ok' },
    { outcome: 'refused' },
    { outcome: 'failed' },
    { outcome: 'unknown' },
    { from: now - 4000 },
    { to: now - 4000 },
    { from: now - 4000, to: now - 3999 },
    { from: now, to: 1e15 },
    { outcome: 'ok', target: 'job', actor: 'ops' },
    { action: injection },
    { actor: injection },
    { target: `\u0000${injection}` },
    { tenants: [injection, '\ud800'] },
  ])('finds those that fit %j, as those in Redis are found', async (filter) => {
    const expected = newest(records).filter((entry) => fitsAudit(entry, filter))
    expect(await searchAudit(db, filter, 100)).toEqual(expected)
  })

  it('goes on behind an entry, also in the middle of a millisecond', async () => {
    const seen: AuditEntry[] = []
    for (let page: AuditEntry[] = [], i = 0; i === 0 || page.length > 0; i++) {
      const last = seen.at(-1)
      page = await searchAudit(db, {}, 1, last && { createdAt: Date.parse(last.at), id: last.id })
      seen.push(...page)
    }
    expect(seen).toEqual(newest(records))
    expect(await searchAudit(db, {}, 1, { createdAt: 0, id: newJobId(now) })).toEqual([])
  })
})
