import { sql } from 'kysely'
import { expect, it } from 'vitest'
import type { Database } from './database.ts'
import { DAY_MS } from './days.ts'
import { dropOld } from './drop-old.ts'
import { opened, openTestDatabase } from './fixtures/test-database.ts'
import { dead, finished, iso, NOON } from './fixtures/test-jobs.ts'
import { keepPartitions } from './partitions.ts'
import { recordJobs } from './record-jobs.ts'
import { searchJobs } from './search-jobs.ts'

/** Three jobs of each of the days `from` to 0 before NOON: one that succeeded, a dead letter, a discarded one. */
async function recordDays(db: Database, from: number): Promise<void> {
  for (let ago = from; ago >= 0; ago--) {
    const at = NOON - ago * DAY_MS
    await recordJobs(db, [finished({ at }), dead({ at: at + 1 }), dead({ at: at + 2, discardedAt: iso(at + 3) })])
  }
}

async function daysOf(db: Database, from: 'foliot.jobs' | 'foliot.attempts' = 'foliot.jobs'): Promise<string[]> {
  const rows = await db.selectFrom(from).select(['day']).orderBy('day').execute()
  return rows.map(({ day }) => day)
}

const partitionsOf = async (db: Database) => {
  const { rows } = await sql<{ name: string }>`
    select relname::text as name from pg_class where relkind = 'r' and relnamespace = 'foliot'::regnamespace
      and relname ~ '^(jobs|attempts)_' order by 1`.execute(db)
  return rows.map(({ name }) => name)
}

const retention = { now: NOON, keepDays: 1, keepDeadLettersDays: 3 }
/** Days 0 and 1 whole, of days 2 and 3 the dead letters. */
const KEPT = ['2026-02-26', '2026-02-27', ...Array(3).fill('2026-02-28'), ...Array(3).fill('2026-03-01')]

it('drops days of jobs, and dead letters later', async () => {
  const { db } = await openTestDatabase()
  for (let ago = 5; ago >= 0; ago--) await keepPartitions(db, NOON - ago * DAY_MS, { daysAhead: 0 })
  await recordDays(db, 5)
  const before = await searchJobs(db, { deadLetters: true, from: NOON - 3 * DAY_MS }, 100)
  expect(await dropOld(db, retention)).toEqual({
    // keepPartitions() made the day before the first one, too.
    days: ['2026-02-23', '2026-02-24', '2026-02-25', '2026-02-26', '2026-02-27'],
    jobs: 0,
  })
  expect(await daysOf(db)).toEqual(KEPT)
  expect(await daysOf(db, 'foliot.attempts')).toEqual(KEPT)
  expect(await searchJobs(db, { deadLetters: true }, 100)).toEqual(before)
  expect(await dropOld(db, retention)).toEqual({ days: [], jobs: 0 })

  // A job that was recorded late is of no use in a day that has shrunk.
  await recordJobs(db, [finished({ at: NOON - 2 * DAY_MS })])
  expect(await dropOld(db, retention)).toEqual({ days: [], jobs: 1 })
  expect(await dropOld(db, { ...retention, now: NOON + 2 * DAY_MS })).toMatchObject({
    days: expect.arrayContaining(['2026-02-26']),
  })
  expect(new Set(await daysOf(db))).toEqual(new Set(['2026-02-28', '2026-03-01']))
  expect(await partitionsOf(db)).toEqual(
    ['attempts', 'jobs'].flatMap((table) => [`${table}_20260228_dead`, `${table}_20260301_dead`, `${table}_default`]),
  )
  await keepPartitions(db, NOON, { daysAhead: 0 })
})

it('deletes one by one what lies in no partition of a day', async () => {
  const { db } = await openTestDatabase()
  await recordDays(db, 5)
  expect(await dropOld(db, retention)).toEqual({ days: [], jobs: 10 })
  expect(await daysOf(db)).toEqual(KEPT)
  expect(await daysOf(db, 'foliot.attempts')).toEqual(KEPT)
})

it('may be done by several at once, while jobs come in', async () => {
  const { db, url } = await openTestDatabase()
  for (let ago = 5; ago >= 0; ago--) await keepPartitions(db, NOON - ago * DAY_MS, { daysAhead: 0 })
  await recordDays(db, 5)
  const other = opened(url)
  const jobs = Array.from({ length: 200 }, () => finished({ at: NOON }))
  const batches = Array.from({ length: 20 }, (_, i) => jobs.slice(i * 10, i * 10 + 10))
  const recording = (async () => {
    for (const batch of batches) expect(await recordJobs(db, batch)).toEqual({ written: 10, refused: [] })
  })()
  const dropped = await Promise.all([dropOld(db, retention), dropOld(other, retention)])
  await recording
  expect(dropped.flatMap(({ days }) => days).sort()).toEqual([
    '2026-02-23',
    '2026-02-24',
    '2026-02-25',
    '2026-02-26',
    '2026-02-27',
  ])
  expect(await daysOf(db)).toEqual([...KEPT, ...jobs.map(() => '2026-03-01')])
})

it('keeps no dead letter for less time than the rest', async () => {
  const { db } = await openTestDatabase()
  await expect(dropOld(db, { now: NOON, keepDays: 30, keepDeadLettersDays: 7 })).rejects.toThrow(
    'expected keepDeadLettersDays to be at least keepDays, 30, got 7',
  )
})
