import { ERROR_KINDS, type JobStatus, wordsOf } from '@foliot/jobs'
import { sql } from 'kysely'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Database } from './database.ts'
import { DAY_MS } from './days.ts'
import { groupErrors } from './error-groups.ts'
import type { FinishedJob } from './finished-job.ts'
import { openTestDatabase } from './fixtures/test-database.ts'
import { attempt, dead, finished, iso, NOON } from './fixtures/test-jobs.ts'
import type { HistoryFilter } from './job-filter.ts'
import { keepPartitions } from './partitions.ts'
import { recordJobs } from './record-jobs.ts'
import { type HistoryPosition, type SearchEffort, searchJobs, searchWith } from './search-jobs.ts'

let db: Database
beforeAll(async () => {
  ;({ db } = await openTestDatabase())
})

/** Both steps, the second one with halves of halves, and each of them alone. */
const EFFORTS: SearchEffort[] = [
  { walk: 10, sort: 9, crowd: 3 },
  { walk: 1, sort: 1000, crowd: 1000 },
  { walk: 1000, sort: 1, crowd: 1 },
]

/** Some hundred jobs of four days, every feature in many of them and in no order of time. */
function variedJobs(): FinishedJob[] {
  return Array.from({ length: 240 }, (_, i) => {
    // Some days are full and one is empty; some jobs were made in the same ms.
    const at = NOON + ([0, 0, 1, 3][i % 4] as number) * DAY_MS + ((i * 7919) % 97) * 400_000
    const status = (['succeeded', 'failed', 'timed_out', 'cancelled', 'succeeded'] as const)[(i * 3) % 5] as JobStatus
    const isDead = status === 'failed' || status === 'timed_out'
    const ms = (i * 37) % 5000
    return finished({
      at,
      status,
      queue: `q${i % 3}`,
      type: `area.verb${i % 7}`,
      tenant: `t${i % 2}`,
      labels: { even: String(i % 2 === 0), n: String(i), 'a=b': 'c' },
      startedAt: iso(at + 1000),
      finishedAt: iso(at + 1000 + ms),
      ...(i % 11 === 0 && { scheduleId: 'nightly' }),
      ...(isDead && i % 4 === 0 && { discardedAt: iso(at + 9000) }),
      error: isDead
        ? {
            name: 'E',
            message: `gateway ${i % 13} said no`,
            kind: i % 2 ? 'gateway' : ERROR_KINDS.error,
            fingerprint: `fp-${i % 6}`,
          }
        : null,
      inputText: JSON.stringify({
        order: { id: i % 50, open: i % 2 === 0 },
        tag: String(i % 5),
        list: [{ id: 1 }],
        none: null,
      }),
      attempts: [attempt(1, at, { worker: `w${i % 4}` }), attempt(2, at, { worker: `w${(i + 1) % 9}` })],
      log: i % 10 === 0 ? [`fetched row ${i}`] : [],
    })
  })
}

const FILTERS: [string, HistoryFilter, (finished: FinishedJob) => boolean][] = [
  ['nothing', {}, () => true],
  ['queues', { queues: ['q0', 'q2', 'none'] }, ({ job }) => job.queue !== 'q1'],
  ['no queue', { queues: [] }, () => false],
  ['statuses', { statuses: ['timed_out', 'cancelled'] }, ({ job }) => ['timed_out', 'cancelled'].includes(job.status)],
  ['no status', { statuses: [] }, () => false],
  ['type', { type: 'area.verb3' }, ({ job }) => job.type === 'area.verb3'],
  ['a label', { labels: [{ key: 'n', value: '123' }] }, ({ job }) => job.labels.n === '123'],
  ['a label with an equals sign', { labels: [{ key: 'a', value: 'b=c' }] }, () => false],
  ['tenant', { tenant: 't1' }, ({ job }) => job.tenant === 't1'],
  ['schedule', { scheduleId: 'nightly' }, ({ job }) => job.scheduleId === 'nightly'],
  ['kind', { errorKind: 'gateway' }, ({ job }) => job.error?.kind === 'gateway'],
  ['fingerprint', { fingerprint: 'fp-4' }, ({ job }) => job.error?.fingerprint === 'fp-4'],
  ['worker', { worker: 'w8' }, ({ attempts }) => attempts.some(({ worker }) => worker === 'w8')],
  [
    'dead letters',
    { deadLetters: true },
    ({ job }) => ['failed', 'timed_out'].includes(job.status) && job.discardedAt === undefined,
  ],
  ['from', { from: NOON + 4_000_000 }, ({ job }) => Date.parse(job.createdAt) >= NOON + 4_000_000],
  ['to', { to: NOON + DAY_MS }, ({ job }) => Date.parse(job.createdAt) < NOON + DAY_MS],
  ['times beyond all calendars', { from: -1e20, to: 1e20 }, () => true],
  ['a range reversed', { from: NOON + DAY_MS, to: NOON }, () => false],
  ['at least', { minDurationMs: 1000 }, (finished) => durationOf(finished) >= 1000],
  ['at most', { maxDurationMs: 37 }, (finished) => durationOf(finished) <= 37],
  ['longer than any', { minDurationMs: 1e15 }, () => false],
  ['shorter than any', { maxDurationMs: -1 }, () => false],
  ['a word of the error', { q: 'GATEWAY no' }, ({ job }) => job.error !== null],
  [
    'words of error and log',
    { q: 'fetched 7' },
    ({ job, log }) => log.length > 0 && / 7 /.test(job.error?.message ?? ''),
  ],
  ['no word', { q: ' -- ' }, () => false],
  [
    'a number in the input',
    { input: [{ path: ['order', 'id'], value: '7' }] },
    ({ job }) => (job.input as Input).order.id === 7,
  ],
  [
    'the same in another spelling',
    { input: [{ path: ['order', 'id'], value: '7.0' }] },
    ({ job }) => (job.input as Input).order.id === 7,
  ],
  ['a text in the input', { input: [{ path: ['tag'], value: '3' }] }, ({ job }) => (job.input as Input).tag === '3'],
  [
    'a boolean in the input',
    { input: [{ path: ['order', 'open'], value: 'true' }] },
    ({ job }) => (job.input as Input).order.open,
  ],
  ['null in the input', { input: [{ path: ['none'], value: 'null' }] }, () => true],
  ['what stands in a list', { input: [{ path: ['list', 'id'], value: '1' }] }, () => false],
  ['an object', { input: [{ path: ['order'], value: '7' }] }, () => false],
]

interface Input {
  order: { id: number; open: boolean }
  tag: string
}

const durationOf = ({ job }: FinishedJob) => Date.parse(job.finishedAt as string) - Date.parse(job.startedAt as string)

async function allPages(effort: SearchEffort, filter: HistoryFilter, limit: number): Promise<string[]> {
  const ids: string[] = []
  for (let after: HistoryPosition | undefined; ; ) {
    const { jobs, more } = await searchWith(db, effort, filter, limit, after)
    ids.push(...jobs.map(({ id }) => id))
    if (!more) return ids
    expect(jobs.length).toBe(limit)
    after = jobs.at(-1)
  }
}

describe('among four days of jobs', () => {
  let jobs: FinishedJob[]
  beforeAll(async () => {
    jobs = variedJobs()
    await recordJobs(db, jobs.slice(0, 60))
    await keepPartitions(db, NOON, { daysAhead: 2 })
    await recordJobs(db, jobs.slice(60))
    jobs.sort(({ job: a }, { job: b }) => Date.parse(b.createdAt) - Date.parse(a.createdAt) || (a.id < b.id ? 1 : -1))
  })

  const expected = (fits: (finished: FinishedJob) => boolean) => jobs.filter(fits).map(({ job }) => job.id)

  it.each(FILTERS)('finds by %s, in order and once, however it goes about it', async (_, filter, fits) => {
    for (const effort of EFFORTS) expect(await allPages(effort, filter, 40)).toEqual(expected(fits))
    expect(await allPages({ walk: 50, sort: 30, crowd: 1000 }, filter, 15)).toEqual(expected(fits))
  })

  it('finds by any two of them together', async () => {
    for (const [i, [, one, fitsOne]] of FILTERS.entries()) {
      const [, other, fitsOther] = FILTERS[(i * 5 + 3) % FILTERS.length] as (typeof FILTERS)[number]
      if (Object.keys(one).some((name) => name in other)) continue
      const both = expected((job) => fitsOne(job) && fitsOther(job))
      for (const effort of EFFORTS) expect(await allPages(effort, { ...one, ...other }, 40)).toEqual(both)
    }
  })

  it('gives each job as it was recorded', async () => {
    const { jobs: found, more } = await searchJobs(db, {}, 3)
    expect(found).toEqual(
      jobs.slice(0, 3).map(({ job }) => ({
        id: job.id,
        createdAt: Date.parse(job.createdAt),
        status: job.status,
        document: JSON.stringify(job),
      })),
    )
    expect(more).toBe(true)
  })
})

it('finds what was made in one quarter of an hour, however much that is', async () => {
  const crowd = Array.from({ length: 120 }, (_, i) =>
    finished({ at: NOON + 7 * DAY_MS + (i % 40), labels: { crowd: String(i % 3) }, inputText: `{"n":${i % 2}}` }),
  )
  await recordJobs(db, crowd)
  const crowded = { labels: [{ key: 'crowd', value: '1' }], input: [{ path: ['n'], value: '1' }] }
  const expected = await allPages({ walk: 1000, sort: 1000, crowd: 1000 }, crowded, 7)
  expect(expected.length).toBe(20)
  // Each page is read in order, since more fit than may be sorted.
  expect(await allPages({ walk: 1, sort: 1, crowd: 1 }, crowded, 7)).toEqual(expected)
  const range = { ...crowded, from: NOON + 7 * DAY_MS + 10, to: NOON + 7 * DAY_MS + 30 }
  const some = await allPages({ walk: 1000, sort: 1000, crowd: 1000 }, range, 7)
  expect(some.length).toBeGreaterThan(5)
  expect(await allPages({ walk: 1, sort: 1, crowd: 1 }, range, 3)).toEqual(some)
})

describe('words', () => {
  const texts = [
    'demo.echo at https://shop.example/orders/17?a=z by me@shop.example',
    '-12345 +1.5e-3 v1.2.3 10.0.0.1 0x2a 1e5 123abc 2026-03-01T12:00:00Z',
    '/var/log/app.log C:\\temp <b class="x">bold</b> &amp; u_v u-v x\u0000y',
    'ümlaut ÉTÉ 日本語 ½ ² ʰ Ⅷ ٣ 𝔘nicode 😀 ไทย',
    `${'x'.repeat(3000)} ${'語'.repeat(1000)}`,
  ]
  const jobs = texts.map((text) => finished({ log: [text], tenant: 'words' }))
  beforeAll(() => recordJobs(db, jobs))

  it.each(texts)('are the same to the index as to a search: %.40j', async (text) => {
    const { job } = jobs[texts.indexOf(text)] as FinishedJob
    for (const q of [text, ...wordsOf(text)]) {
      for (const effort of EFFORTS) {
        const { jobs: found } = await searchWith(db, effort, { tenant: 'words', q }, 10)
        expect([q, found.map(({ id }) => id)]).toEqual([q, [job.id]])
      }
    }
  })

  it('are one entry of the index each', async () => {
    const { rows } = await sql<{ id: string; words: string[] }>`
      select id, tsvector_to_array(words) as words from foliot.jobs where tenant = 'words'`.execute(db)
    for (const { job, log } of jobs) {
      expect(rows.find(({ id }) => id === job.id)?.words.sort()).toEqual([...wordsOf(String(log))].sort())
    }
  })

  it('are those of errors, kinds and reasons too', async () => {
    const error = { name: 'HttpError', message: 'The gateway is closed', kind: 'http' }
    const one = dead({ error, tenant: 'reasons', attempts: [attempt(1, NOON, { error, reason: 'out of time' })] })
    await recordJobs(db, [one])
    for (const q of ['http', 'HTTPERROR', 'closed gateway', 'out of time']) {
      expect([q, (await searchJobs(db, { tenant: 'reasons', q }, 10)).jobs.length]).toEqual([q, 1])
    }
  })
})

describe('text from outside', () => {
  const odd = [
    `'; drop table foliot.jobs; --`,
    `x') or 1=1 --`,
    '$1',
    '\\',
    '"',
    '{a,b}',
    `$.a == 1 || $.b`,
    '"} || true',
    '%_',
    'a\0b',
    '\ud800',
    'null',
    '1e400000',
    '😀',
    'ü'.repeat(3000),
    '',
  ]
  it.each(odd)('finds what is called %.40j and harms nothing', async (text) => {
    const one = dead({
      type: text,
      queue: text,
      tenant: text,
      scheduleId: text,
      labels: { [text]: text },
      error: { name: 'E', message: `left ${text} right`, kind: text, fingerprint: text },
      attempts: [attempt(1, NOON, { worker: text })],
      inputText: JSON.stringify({ [text]: { [text]: text } }),
    })
    expect(await recordJobs(db, [one])).toEqual({ written: 1, refused: [] })
    const filters: HistoryFilter[] = [
      { type: text },
      { queues: [text] },
      { tenant: text },
      { scheduleId: text },
      { labels: [{ key: text, value: text }] },
      { errorKind: text },
      { fingerprint: text },
      { worker: text },
      { input: [{ path: [text, text], value: text }] },
      { q: `left ${text} right` },
    ]
    for (const filter of [{ type: text }, { queues: [text] }, { fingerprint: text }]) {
      const { groups } = await groupErrors(db, filter, 10)
      expect(groups.map(({ sampleJobId }) => sampleJobId)).toEqual([one.job.id])
    }
    for (const filter of filters) {
      for (const effort of EFFORTS) {
        const { jobs } = await searchWith(db, effort, { ...filter, labels: [{ key: text, value: text }] }, 10)
        expect([filter, jobs.map(({ id }) => id)]).toEqual([filter, [one.job.id]])
      }
    }
  })
})
