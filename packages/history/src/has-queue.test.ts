import { expect, it } from 'vitest'
import { openTestDatabase } from './fixtures/test-database.ts'
import { finished } from './fixtures/test-jobs.ts'
import { hasQueue } from './has-queue.ts'
import { recordJobs } from './record-jobs.ts'

it('knows the queues of its jobs', async () => {
  const { db } = await openTestDatabase()
  await recordJobs(db, [finished({ queue: 'old.mail' })])
  const names = ['old.mail', 'old', '', "') or true --", '\0']
  expect(await Promise.all(names.map((name) => hasQueue(db, name)))).toEqual([true, false, false, false, false])
})
