import { newJobId } from '@foliot/jobs'
import { beforeAll, expect, it } from 'vitest'
import type { Database } from './database.ts'
import { openTestDatabase } from './fixtures/test-database.ts'
import { finished, NOON } from './fixtures/test-jobs.ts'
import { readBriefs } from './read-job.ts'
import { recordJobs } from './record-jobs.ts'

let db: Database
beforeAll(async () => {
  ;({ db } = await openTestDatabase())
})

it('tells what jobs are, of those that it has', async () => {
  const jobs = [
    finished({ at: NOON, type: 'mail.send', tenant: 'acme' }),
    finished({ at: NOON + 1, type: 'report.build', tenant: 'globex' }),
  ]
  await recordJobs(db, jobs)
  const [first, second] = jobs.map(({ job }) => job.id) as [string, string]
  const found = await readBriefs(db, [first, newJobId(NOON), second])
  expect(found.toSorted((a, b) => (a.type < b.type ? -1 : 1))).toEqual([
    { id: first, type: 'mail.send', tenant: 'acme' },
    { id: second, type: 'report.build', tenant: 'globex' },
  ])
  expect(await readBriefs(db, [])).toEqual([])
})
