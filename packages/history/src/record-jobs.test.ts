import { LIMITS, newJobId } from '@foliot/jobs'
import { sql } from 'kysely'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Database } from './database.ts'
import { opened, openTestDatabase } from './fixtures/test-database.ts'
import { attempt, dead, finished, iso, NOON } from './fixtures/test-jobs.ts'
import { readJob, readLog } from './read-job.ts'
import { recordJobs } from './record-jobs.ts'

let db: Database
let url: string
beforeAll(async () => {
  ;({ db, url } = await openTestDatabase())
})

const documentOf = async (id: string) => JSON.parse((await readJob(db, id)) ?? 'null')

const attemptsOf = (id: string) =>
  db.selectFrom('foliot.attempts').selectAll().where('job_id', '=', id).orderBy('attempt').execute()

const rowsOf = (id: string) => db.selectFrom('foliot.jobs').selectAll().where('id', '=', id).execute()

describe('what is kept', () => {
  it('is the job as REST shows it, and each attempt', async () => {
    const one = dead({
      labels: { order: '7' },
      attempt: 2,
      attempts: [
        attempt(1, NOON, { outcome: 'failed', error: { name: 'E', message: 'first', kind: 'error' }, reason: 'again' }),
        attempt(2, NOON + 5000, { outcome: 'failed', worker: 'host-2' }),
      ],
      log: ['one', 'two\nlines'],
    })
    expect(await recordJobs(db, [one])).toEqual({ written: 1, refused: [] })
    expect(await documentOf(one.job.id)).toEqual(one.job)
    expect(await readLog(db, one.job.id)).toEqual(['one', 'two\nlines'])
    expect(await attemptsOf(one.job.id)).toEqual([
      {
        job_id: one.job.id,
        day: '2026-03-01',
        attempt: 1,
        worker: 'host-1',
        started_at: NOON + 900,
        ended_at: NOON + 1000,
        outcome: 'failed',
        error_name: 'E',
        error_kind: 'error',
        error_message: 'first',
        reason: 'again',
      },
      expect.objectContaining({ attempt: 2, worker: 'host-2', error_name: null, reason: null }),
    ])
    expect(await rowsOf(one.job.id)).toEqual([
      expect.objectContaining({ created_at: NOON, finished_at: NOON + 1000, discarded_at: null, duration_ms: 100 }),
    ])
  })

  it('is input and output with their order of keys and their spelling of numbers', async () => {
    const inputText = '{"b":1.0, "a":1e3,"2":12345678901234567890,"1":{"b":1,"a":-0.10}}'
    const one = finished({ inputText, outputText: '[1.50,{"z":1,"a":2}]', output: [] })
    await recordJobs(db, [one])
    const document = await readJob(db, one.job.id)
    expect(document).toContain(`,"input":${inputText},"output":[1.50,{"z":1,"a":2}]}`)
    expect(Object.keys(JSON.parse(document as string))).toEqual(Object.keys(one.job))
  })

  it.each(['not json', '', '{"a":1,}', '"half'])(
    'is an input that is no JSON as the job shows it: %j',
    async (text) => {
      const one = { ...finished({ input: text }), inputText: text }
      await recordJobs(db, [one])
      expect((await documentOf(one.job.id)).input).toBe(text)
    },
  )

  it('is a job that never started, that has no attempts, or whose id tells no time', async () => {
    const { startedAt: _, ...job } = finished().job
    const jobs = [
      { ...finished(), job: { ...job, id: newJobId(NOON), attempt: 0 }, attempts: [] },
      finished({ id: '00000000-0000-4000-8000-000000000001' }),
      finished({ id: 'ffffffff-ffff-7fff-bfff-ffffffffffff' }),
    ]
    expect(await recordJobs(db, jobs)).toEqual({ written: 3, refused: [] })
    for (const { job } of jobs) expect(await documentOf(job.id)).toEqual(job)
  })

  it('is all of what PostgreSQL takes in no text: NUL characters and halves of surrogate pairs', async () => {
    const odd = 'a\0b\ud800c'
    const one = dead({
      inputText: String.raw`{"x\u0000":"\ud800 \u0000","n":1e400}`,
      outputText: '"raw"',
      labels: { [odd]: odd },
      tenant: odd,
      error: { name: odd, message: odd, kind: odd, fingerprint: odd },
      scheduleId: odd,
      attempts: [attempt(1, NOON, { worker: odd, reason: odd, error: { name: odd, message: odd, kind: odd } })],
      log: [odd],
    })
    expect(await recordJobs(db, [one])).toEqual({ written: 1, refused: [] })
    expect(await readJob(db, one.job.id)).toContain(String.raw`"input":{"x\u0000":"\ud800 \u0000","n":1e400}`)
    expect(await documentOf(one.job.id)).toMatchObject({ labels: { [odd]: odd }, error: { message: odd } })
    expect(await readLog(db, one.job.id)).toEqual([odd])
    const visible = String.raw`a\u0000b\ud800c`
    expect(await rowsOf(one.job.id)).toEqual([expect.objectContaining({ tenant: visible, error_message: visible })])
    expect(await attemptsOf(one.job.id)).toEqual([expect.objectContaining({ worker: visible, reason: visible })])
  })

  it.each([
    ['a very deep input', `${'['.repeat(30_000)}${']'.repeat(30_000)}`],
    ['a number beyond any', '{"n":1e999999}'],
    ['many fields', JSON.stringify(Object.fromEntries(Array.from({ length: 4000 }, (_, i) => [`f${i}`, i])))],
    ['quotes and backslashes', JSON.stringify({ '"\\{}': '\\"{},NULL' })],
  ])('is %s', async (_, inputText) => {
    const one = { ...finished({ labels: { '"\\{}': '\\"{},NULL', '': 'NULL' } }), inputText }
    expect(await recordJobs(db, [one])).toEqual({ written: 1, refused: [] })
    expect(await readJob(db, one.job.id)).toContain(`"input":${inputText},`)
  })

  it('is the end of a long log, and how many lines were left out', async () => {
    const one = finished({ log: Array.from({ length: 1000 }, (_, i) => `${i} ${'x'.repeat(8000)}`) })
    await recordJobs(db, [one])
    const log = (await readLog(db, one.job.id)) ?? []
    expect(log[0]).toBe(`… [${1000 - (log.length - 1)} earlier lines were left out]`)
    expect(log.at(-1)).toMatch(/^999 /)
    expect(log.length).toBeGreaterThan(20)
  })

  it('is all of a batch of the largest jobs', async () => {
    const text = 'x'.repeat(LIMITS.inputBytes - 2)
    const jobs = Array.from({ length: 100 }, () =>
      finished({ inputText: JSON.stringify(text), output: text, log: Array(20).fill('y'.repeat(LIMITS.logLineBytes)) }),
    )
    expect(await recordJobs(db, jobs)).toEqual({ written: 100, refused: [] })
    for (const { job } of jobs.slice(-3)) expect(await documentOf(job.id)).toEqual(job)
  })

  it('is nothing of a job that is not there', async () => {
    expect(await readJob(db, newJobId(NOON))).toBeUndefined()
    expect(await readLog(db, newJobId(NOON))).toBeUndefined()
    expect(await recordJobs(db, [])).toEqual({ written: 0, refused: [] })
  })
})

describe('recording again', () => {
  it('changes nothing', async () => {
    const jobs = Array.from({ length: 20 }, () => dead())
    expect((await recordJobs(db, jobs)).written).toBe(20)
    expect((await recordJobs(db, jobs)).written).toBe(0)
    for (const { job } of jobs) expect([await rowsOf(job.id), await attemptsOf(job.id)]).toMatchObject([[{}], [{}]])
  })

  it('by two recorders at once keeps each job once', async () => {
    const jobs = Array.from({ length: 500 }, (_, i) => (i % 2 === 0 ? finished() : dead()))
    const other = opened(url)
    const results = await Promise.all([
      recordJobs(db, jobs),
      recordJobs(other, jobs.toReversed()),
      recordJobs(db, jobs.slice(100, 400)),
    ])
    expect(results.reduce((sum, { written }) => sum + written, 0)).toBe(500)
    const ids = jobs.map(({ job }) => job.id)
    const { rows } = await sql<{ jobs: number; attempts: number }>`
      select (select count(*) from foliot.jobs where id = any (${ids}::uuid[])) as jobs,
        (select count(*) from foliot.attempts where job_id = any (${ids}::uuid[])) as attempts`.execute(db)
    expect(rows[0]).toEqual({ jobs: 500, attempts: 500 })
  })

  it('of a job twice in one batch keeps the later state', async () => {
    const first = dead()
    const later = { ...first, job: { ...first.job, attempt: 2, status: 'succeeded' as const, error: null } }
    expect(await recordJobs(db, [later, first])).toEqual({ written: 1, refused: [] })
    expect(await documentOf(first.job.id)).toMatchObject({ status: 'succeeded' })
  })
})

describe('of two states of a job', () => {
  const first = dead({ attempt: 3 })
  const more = (event: 'redriven' | 'discarded' | 'cancelled') => [...first.job.timeline, { at: iso(NOON), event }]
  it.each([
    ['a later attempt', { attempt: 4, finishedAt: iso(NOON - 5000), status: 'succeeded' as const }],
    ['discarded', { discardedAt: iso(NOON + 9000), timeline: more('discarded') }],
    // The clock that ended it first was ahead.
    ['ended after a redrive', { finishedAt: iso(NOON), status: 'cancelled' as const, timeline: more('cancelled') }],
    // Its timeline has as many entries as before: another one was left out.
    ['discarded after much else', { discardedAt: iso(NOON + 9000), timelineLeftOut: 1 }],
    ['ended later', { finishedAt: iso(NOON + 9000) }],
  ])('that which is %s stays, whichever comes first', async (_, change) => {
    for (const order of [0, 1]) {
      const id = newJobId(NOON)
      const earlier = { ...first, job: { ...first.job, id } }
      const later = { ...first, job: { ...first.job, id, ...change } }
      for (const one of order === 0 ? [earlier, later] : [later, earlier]) await recordJobs(db, [one])
      expect(await documentOf(id)).toEqual(later.job)
    }
  })

  it('the attempts of both are kept', async () => {
    const id = newJobId(NOON)
    const stale = dead({ id, attempts: [attempt(1, NOON), attempt(2, NOON)], attempt: 2 })
    await recordJobs(db, [finished({ id, attempt: 3, attempts: [attempt(3, NOON)] })])
    expect((await recordJobs(db, [stale])).written).toBe(0)
    expect((await attemptsOf(id)).map((row) => row.attempt)).toEqual([1, 2, 3])
  })
})

describe('a job that cannot be kept', () => {
  it.each([
    ['a foreign id', { id: '42' }, 'expected a job whose id is a UUID, got "42"'],
    ['one still going on', { status: 'running' as const }, 'expected a job that has ended, got one that is running'],
    ['a time beyond all calendars', { finishedAt: 'tomorrow' }, /tomorrow/],
    ['an attempt beyond all numbers', { attempt: 2 ** 40 }, /out of range/],
  ])('is refused, and the rest of its batch kept: %s', async (_, change, reason) => {
    const good = Array.from({ length: 7 }, () => finished())
    const one = finished()
    const bad = { ...one, job: { ...one.job, ...change } }
    const result = await recordJobs(db, [...good.slice(0, 3), bad, ...good.slice(3)])
    expect(result).toEqual({
      written: 7,
      refused: [{ id: bad.job.id, queue: 'mail', reason: expect.stringMatching(reason) }],
    })
    for (const { job } of good) expect(await documentOf(job.id)).toEqual(job)
  })
})
