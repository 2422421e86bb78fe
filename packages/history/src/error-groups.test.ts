import { beforeAll, expect, it } from 'vitest'
import type { Database } from './database.ts'
import { DAY_MS } from './days.ts'
import { groupErrors, groupFailures } from './error-groups.ts'
import { openTestDatabase } from './fixtures/test-database.ts'
import { dead, finished, iso, NOON } from './fixtures/test-jobs.ts'
import type { HistoryFilter } from './job-filter.ts'
import { keepPartitions } from './partitions.ts'
import { recordJobs } from './record-jobs.ts'

const failure = (fingerprint: string, message = 'm', kind = 'k') => ({ name: 'E', message, kind, fingerprint })

const jobs = [
  dead({ at: NOON, error: failure('a', 'old') }),
  dead({ at: NOON + 2, queue: 'sms', error: failure('a', 'newest') }),
  dead({ at: NOON + 1, error: failure('a', 'older'), status: 'timed_out' }),
  dead({ at: NOON + DAY_MS, error: failure('b'), type: 'pay.out' }),
  dead({ at: NOON + 5, error: failure('c'), discardedAt: iso(NOON + 9000) }),
  dead({ at: NOON + 6, error: failure('c'), labels: { order: '7' } }),
  // Neither has failed in the end.
  finished({ at: NOON, error: failure('a') }),
  finished({ at: NOON, status: 'cancelled', error: failure('a') }),
]

let db: Database
beforeAll(async () => {
  ;({ db } = await openTestDatabase())
  await keepPartitions(db, NOON)
  await recordJobs(db, jobs)
})

const fingerprints = async (...args: [Parameters<typeof groupErrors>[1], number?]) =>
  (await groupErrors(db, args[0], args[1] ?? 10)).groups.map(({ fingerprint, count }) => `${fingerprint}${count}`)

it('gives the largest group first, with the newest failure of each', async () => {
  const { groups, truncated } = await groupErrors(db, {}, 10)
  expect(groups[0]).toEqual({
    type: 'mail.send',
    kind: 'k',
    fingerprint: 'a',
    name: 'E',
    message: 'newest',
    count: 3,
    firstSeenAt: iso(NOON + 1000),
    lastSeenAt: iso(NOON + 1002),
    sampleJobId: jobs[1]?.job.id,
    queues: ['mail', 'sms'],
  })
  expect(groups.map(({ fingerprint, count }) => [fingerprint, count])).toEqual([
    ['a', 3],
    ['c', 2],
    ['b', 1],
  ])
  expect(truncated).toBe(false)
})

it('says that smaller groups were left out', async () => {
  expect(await groupErrors(db, {}, 2)).toMatchObject({
    groups: [{ fingerprint: 'a' }, { fingerprint: 'c' }],
    truncated: true,
  })
})

it('groups what fits the filter, by when it ended', async () => {
  expect(await fingerprints({ queues: ['sms'] })).toEqual(['a1'])
  expect(await fingerprints({ queues: [] })).toEqual([])
  expect(await fingerprints({ type: 'pay.out' })).toEqual(['b1'])
  expect(await fingerprints({ labels: [{ key: 'order', value: '7' }] })).toEqual(['c1'])
  expect(await fingerprints({ deadLetters: true })).toEqual(['a3', 'b1', 'c1'])
  expect(await fingerprints({ statuses: ['timed_out'] })).toEqual(['a1'])
  expect(await fingerprints({ from: NOON + 1001, to: NOON + 1006 })).toEqual(['a2', 'c1'])
  expect(await fingerprints({ from: NOON + 2 * DAY_MS })).toEqual([])
})

it("shows a tenant's failures behind however many of others", async () => {
  const at = NOON + DAY_MS
  const quiet = [0, 1].map((i) => dead({ at: at + i, tenant: 'quiet', error: failure(`quiet-${i}`) }))
  const loud = Array.from({ length: 5 }, (_, i) => dead({ at: at + 10 + i, tenant: 'loud', error: failure('loud') }))
  await recordJobs(db, [...quiet, ...loud])
  const most = async (limit: number, filter: HistoryFilter) => {
    const { groups, truncated } = await groupFailures(db, limit, filter, 10)
    return [groups.map(({ fingerprint, count }) => `${fingerprint} ${count}`), truncated]
  }
  const quietly = { tenant: 'quiet', deadLetters: true }
  expect(await most(4, quietly)).toEqual([['quiet-1 1', 'quiet-0 1'], false])
  expect(await most(4, { ...quietly, from: at + 1001 })).toEqual([['quiet-1 1'], false])
  expect(await most(4, { ...quietly, to: at + 1001 })).toEqual([['quiet-0 1'], false])
  expect(await most(4, { ...quietly, queues: ['none'] })).toEqual([[], false])
  // It has more itself than are looked at.
  expect(await most(3, { tenant: 'loud' })).toEqual([['loud 4'], true])
  expect(await most(1, quietly)).toEqual([[], true])
  expect(await most(3, { type: 'pay.out' })).toEqual([[], true])
})
