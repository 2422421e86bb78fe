import { newJobId } from '@foliot/jobs'
import { expect, it } from 'vitest'
import { DAY_MS } from './days.ts'
import { announceDeletion, deleteAgain, deleteJobs, withdrawDeletion } from './delete-jobs.ts'
import { openTestDatabase } from './fixtures/test-database.ts'
import { finished, iso, NOON } from './fixtures/test-jobs.ts'
import { keepPartitions } from './partitions.ts'
import { recordJobs } from './record-jobs.ts'

it('deletes jobs and their attempts, however many and wherever they lie, and nothing else', async () => {
  const { db } = await openTestDatabase()
  await keepPartitions(db, NOON, { daysAhead: 0 })
  const jobs = Array.from({ length: 1300 }, (_, i) => finished({ at: NOON + (i % 3) * DAY_MS }))
  await recordJobs(db, jobs)
  const ids = jobs.map(({ job }) => job.id)
  const [doomed, left] = [ids.slice(0, 1200), ids.slice(1200)]
  expect(await deleteJobs(db, [...doomed, newJobId(NOON)])).toBe(1200)
  expect(await deleteJobs(db, doomed)).toBe(0)
  expect(await deleteJobs(db, [])).toBe(0)
  const rows = await db.selectFrom('foliot.jobs').select('id').execute()
  expect(rows.map(({ id }) => id).sort()).toEqual(left.toSorted())
  const attempts = await db.selectFrom('foliot.attempts').select('job_id').execute()
  expect(attempts.map(({ job_id }) => job_id).sort()).toEqual(left.toSorted())
})

it('deletes again what was being recorded meanwhile, for a day', async () => {
  const { db } = await openTestDatabase()
  const [one, other] = [finished(), finished()]
  const kept = async () => (await db.selectFrom('foliot.jobs').select('id').execute()).map(({ id }) => id)
  await recordJobs(db, [one, other])
  await announceDeletion(db, [one.job.id])
  await deleteJobs(db, [one.job.id])
  await recordJobs(db, [one])
  expect(await kept()).toHaveLength(2)
  expect(await deleteAgain(db, Date.now())).toBe(1)
  expect(await kept()).toEqual([other.job.id])
  expect(await db.selectFrom('foliot.attempts').select('job_id').execute()).toEqual([{ job_id: other.job.id }])
  await recordJobs(db, [one])
  expect(await deleteAgain(db, Date.now() + 2 * DAY_MS)).toBe(0)
  expect(await kept()).toHaveLength(2)
})

it('deletes what was recorded after a deletion was announced, unless that was taken back or the job ended later', async () => {
  const { db } = await openTestDatabase()
  const now = Date.now()
  const [deleted, taken, reopened] = [finished({ at: now - 5000 }), finished({ at: now - 5000 }), finished()]
  const ids = [deleted, taken, reopened].map(({ job }) => job.id)
  await announceDeletion(db, ids)
  await announceDeletion(db, ids)
  await withdrawDeletion(db, [taken.job.id])
  // Its deletion came to nothing, and nobody was left to take it back.
  const later = { ...reopened, job: { ...reopened.job, finishedAt: iso(now + 5 * 60_000) } }
  await recordJobs(db, [deleted, taken, later])
  expect(await deleteAgain(db, now)).toBe(1)
  const rows = await db.selectFrom('foliot.jobs').select('id').execute()
  expect(rows.map(({ id }) => id).sort()).toEqual([taken.job.id, reopened.job.id].sort())
})
