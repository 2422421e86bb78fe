import { sql } from 'kysely'
import { expect, it } from 'vitest'
import type { Database } from './database.ts'
import { DAY_MS } from './days.ts'
import { opened, openTestDatabase } from './fixtures/test-database.ts'
import { finished, NOON } from './fixtures/test-jobs.ts'
import { keepPartitions } from './partitions.ts'
import { readJob } from './read-job.ts'
import { recordJobs } from './record-jobs.ts'

const partitionOf = async (db: Database, table: string, id: string) => {
  const column = sql.ref(table === 'jobs' ? 'id' : 'job_id')
  const { rows } = await sql<{ name: string }>`
    select relname::text as name from ${sql.id('foliot', table)} as of join pg_class on pg_class.oid = of.tableoid
    where ${column} = ${id}`.execute(db)
  return rows.map(({ name }) => name)
}

it('makes the days around now, once, however many do so', async () => {
  const { db, url } = await openTestDatabase()
  const many = [db, db, opened(url), opened(url)]
  const made = (await Promise.all(many.map((each) => keepPartitions(each, NOON, { daysAhead: 2 })))).flat()
  const days = ['20260228', '20260301', '20260302', '20260303']
  expect(made.sort()).toEqual(['attempts', 'jobs'].flatMap((table) => days.map((day) => `${table}_${day}`)))
  expect(await keepPartitions(db, NOON + DAY_MS, { daysAhead: 2 })).toEqual(['jobs_20260304', 'attempts_20260304'])
})

it('takes in jobs of days without a partition, and moves them when theirs is made', async () => {
  const { db } = await openTestDatabase()
  const jobs = [finished({ at: NOON }), finished({ at: NOON + DAY_MS }), finished({ at: NOON + 40 * DAY_MS })]
  await recordJobs(db, jobs)
  const ids = jobs.map(({ job }) => job.id) as [string, string, string]
  expect(await partitionOf(db, 'jobs', ids[0])).toEqual(['jobs_default'])
  await keepPartitions(db, NOON)
  for (const table of ['jobs', 'attempts']) {
    expect(await Promise.all(ids.map((id) => partitionOf(db, table, id)))).toEqual([
      [`${table}_20260301`],
      [`${table}_20260302`],
      [`${table}_default`],
    ])
  }
  for (const { job } of jobs) expect(JSON.parse((await readJob(db, job.id)) ?? '')).toEqual(job)
  // It is still known there: recorded again, it is no other job.
  expect((await recordJobs(db, jobs)).written).toBe(0)
})

it('loses and doubles none while jobs come in', async () => {
  const { db, url } = await openTestDatabase()
  const maker = opened(url)
  const days = Array.from({ length: 6 }, (_, i) => NOON + i * DAY_MS)
  const jobs = Array.from({ length: 1200 }, (_, i) => finished({ at: days[i % days.length] as number }))
  const batches = Array.from({ length: 60 }, (_, i) => jobs.slice(i * 20, i * 20 + 20))
  const recording = (async () => {
    for (const batch of batches) expect(await recordJobs(db, batch)).toEqual({ written: 20, refused: [] })
  })()
  for (const day of days) await keepPartitions(maker, day, { daysAhead: 0 })
  await recording
  const { rows } = await sql<{ jobs: number; rest: number }>`
    select (select count(*) from foliot.jobs) as jobs, (select count(*) from foliot.jobs_default) as rest`.execute(db)
  expect(rows[0]).toEqual({ jobs: 1200, rest: 0 })
})
