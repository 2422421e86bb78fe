import { newJobId } from '@foliot/jobs'
import { expect, it } from 'vitest'
import { DAY_MS } from './days.ts'
import { deleteByLabel, deleteJob } from './delete-jobs.ts'
import { openTestDatabase } from './fixtures/test-database.ts'
import { finished, NOON } from './fixtures/test-jobs.ts'
import { keepPartitions } from './partitions.ts'
import { readJob } from './read-job.ts'
import { recordJobs } from './record-jobs.ts'

it('deletes one job and its attempts', async () => {
  const { db } = await openTestDatabase()
  const [one, other] = [finished(), finished()]
  await recordJobs(db, [one, other])
  expect(await deleteJob(db, one.job.id)).toBe(true)
  expect(await deleteJob(db, one.job.id)).toBe(false)
  expect(await deleteJob(db, newJobId(NOON))).toBe(false)
  expect(await readJob(db, one.job.id)).toBeUndefined()
  expect(await db.selectFrom('foliot.attempts').select('job_id').execute()).toEqual([{ job_id: other.job.id }])
})

it('deletes all that bear a label, however many and wherever they lie, and nothing else', async () => {
  const { db } = await openTestDatabase()
  await keepPartitions(db, NOON, { daysAhead: 0 })
  const jobs = Array.from({ length: 1300 }, (_, i) =>
    finished({ at: NOON + (i % 3) * DAY_MS, labels: { person: i % 13 === 0 ? 'other' : 'x' } }),
  )
  await recordJobs(db, jobs)
  expect(await deleteByLabel(db, 'person', 'x')).toBe(1200)
  expect(await deleteByLabel(db, 'person', 'x')).toBe(0)
  const left = jobs.filter(({ job }) => job.labels.person === 'other').map(({ job }) => job.id)
  const rows = await db.selectFrom('foliot.jobs').select('id').execute()
  expect(rows.map(({ id }) => id).sort()).toEqual(left.sort())
  expect(await db.selectFrom('foliot.attempts').select('job_id').execute()).toHaveLength(100)
})
