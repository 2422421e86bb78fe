import type { Job, JobStatus } from '@foliot/jobs'
import { startRedis } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { enqueueMany } from '../enqueue/enqueue.ts'
import { discardJobs } from '../fixtures/dead-letters.ts'
import { dead, newJob, openTestQueues, retry, succeed, untilStopped } from '../fixtures/test-queues.ts'
import { bullKeys, indexKey, jobKey } from '../keys.ts'
import { pauseQueue } from '../queues/queues.ts'
import type { JobSearch } from './job-search.ts'
import { listDeadLetters, listJobs } from './list-jobs.ts'
import { cancelJob } from './moves.ts'
import type { Position } from './position.ts'

const q = await openTestQueues()
const by = { by: 'test' }

/** Every page of a list. */
async function listAll(search: JobSearch, limit: number): Promise<Job[][]> {
  const pages: Job[][] = []
  let next: Position | undefined
  do {
    const page = await listJobs(q.redis, search, limit, next)
    pages.push(page.items)
    next = page.next
  } while (next !== undefined)
  return pages
}

const ids = (jobs: Job[]): string[] => jobs.map(({ id }) => id)

async function addMany(queue: string, count: number, job: Parameters<typeof newJob>[1] = {}): Promise<string[]> {
  const results = await enqueueMany(
    q.redis,
    Array.from({ length: count }, () => newJob(queue, job)),
  )
  return results.map((result) => (result as { job: Job }).job.id)
}

/** Jobs of every status in one queue, by status. */
async function jobsInEveryStatus(): Promise<{ queue: string; byStatus: Record<JobStatus, string> }> {
  const queue = q.newQueue()
  const settle = {
    succeeded: await succeed(),
    failed: dead('no', 'http'),
    timed_out: { ...dead('long', 'timeout'), status: 'timed_out' } as ReturnType<typeof dead>,
    retrying: retry(60_000),
    cancelled: { kind: 'cancelled', by: 'handler', reason: 'r' } as const,
  }
  const { consumer } = await q.consume(queue, async ({ claim }) => settle[claim.input as keyof typeof settle])
  const byStatus: Partial<Record<JobStatus, string>> = {}
  for (const status of Object.keys(settle) as (keyof typeof settle)[]) {
    const { id } = await q.add(queue, { input: status })
    byStatus[status] = id
    await q.readWhen(queue, id, (job) => job.status === status)
  }
  await consumer.stop(0)
  const running = await q.add(queue)
  byStatus.running = running.id
  await q.consume(queue, untilStopped)
  await q.readWhen(queue, running.id, ({ status }) => status === 'running')
  byStatus.queued = (await q.add(queue)).id
  byStatus.scheduled = (await q.add(queue, { runAt: Date.now() + 60_000 })).id
  return { queue, byStatus: byStatus as Record<JobStatus, string> }
}

describe('listJobs', () => {
  it('has nothing of an empty queue, nor of no queue', async () => {
    expect(await listJobs(q.redis, { queues: [q.newQueue()] }, 10)).toEqual({ items: [], next: undefined })
    expect(await listJobs(q.redis, { queues: [] }, 10)).toEqual({ items: [], next: undefined })
  })

  it('finds the jobs of each status, and all without one', async () => {
    const { queue, byStatus } = await jobsInEveryStatus()
    for (const [status, id] of Object.entries(byStatus) as [JobStatus, string][]) {
      const { items } = await listJobs(q.redis, { queues: [queue], statuses: [status] }, 10)
      expect([status, ids(items)]).toEqual([status, [id]])
    }
    const all = await listJobs(q.redis, { queues: [queue] }, 50)
    expect(ids(all.items).sort()).toEqual(Object.values(byStatus).sort())
    expect(all.next).toBeUndefined()
  })

  it('shows the newest first, over several queues, whichever has ended first', async () => {
    const queues = [q.newQueue(), q.newQueue()] as const
    const made: string[] = []
    for (let n = 0; n < 6; n++) {
      made.unshift((await q.add(queues[n % 2] as string, { createdAt: 1_800_000_000_000 + n })).id)
    }
    for (const id of made.slice(2, 4)) await cancelJob(q.redis, { queue: queues[made.indexOf(id) % 2 ? 0 : 1], id }, by)
    expect(ids((await listJobs(q.redis, { queues }, 10)).items)).toEqual(made)
    expect(ids((await listAll({ queues }, 4)).flat())).toEqual(made)
  })

  it('shows waiting jobs newest first', async () => {
    const queue = q.newQueue()
    const first = await addMany(queue, 3)
    expect(ids((await listJobs(q.redis, { queues: [queue] }, 10)).items)).toEqual(first.reverse())
  })

  it.each([7, 50, 100, 200, 250])(
    'meets each of 250 jobs in several places of two queues once, %d at a time',
    async (limit) => {
      const queues = [q.newQueue(), q.newQueue()] as const
      const added: string[] = []
      for (const queue of queues) await pauseQueue(q.redis, queue)
      added.push(...(await addMany(queues[0], 101)))
      added.push(...(await addMany(queues[1], 60, { priority: 4 })))
      added.push(...(await addMany(queues[0], 49, { runAt: Date.now() + 60_000 })))
      const cancelled = await addMany(queues[1], 40)
      for (const id of cancelled) await cancelJob(q.redis, { queue: queues[1], id }, by)
      added.push(...cancelled)
      const pages = await listAll({ queues }, limit)
      expect(ids(pages.flat()).sort()).toEqual(added.sort())
      expect(pages.map(({ length }) => length)).toEqual(pages.map((_, i) => Math.min(limit, 250 - i * limit)))
    },
  )

  it('passes over ids whose job is gone, and over what is no job', async () => {
    const queue = q.newQueue()
    const added = await addMany(queue, 8)
    const [gone = '', text = '', newest = ''] = [added[2], added[5], added[7]]
    await q.redis.multi().del(jobKey(queue, gone), jobKey(queue, newest)).set(jobKey(queue, text), 'text').exec()
    const left = added.filter((id) => ![gone, text, newest].includes(id)).reverse()
    expect(ids((await listAll({ queues: [queue] }, 2)).flat())).toEqual(left)
  })

  it('filters by type, tenant, label, kind of error, id and time', async () => {
    const { queue, byStatus } = await jobsInEveryStatus()
    const other = await q.add(queue, { type: 'test.other', tenant: 'acme', labels: { team: 'a', empty: '' } })
    const find = async (filter: Omit<JobSearch, 'queues'>) =>
      ids((await listJobs(q.redis, { queues: [queue], ...filter }, 50)).items).sort()
    expect(await find({ type: 'test.other' })).toEqual([other.id])
    expect(await find({ type: 'test.othe' })).toEqual([])
    expect(await find({ tenant: 'acme' })).toEqual([other.id])
    expect(await find({ tenant: 'default', statuses: ['failed'] })).toEqual([byStatus.failed])
    expect(await find({ tenant: 'acme', statuses: ['failed'] })).toEqual([])
    expect(await find({ label: { key: 'team', value: 'a' } })).toEqual([other.id])
    expect(await find({ label: { key: 'team', value: 'b' } })).toEqual([])
    expect(await find({ label: { key: 'empty', value: '' } })).toEqual([other.id])
    expect(await find({ errorKind: 'http' })).toEqual([byStatus.failed])
    expect(await find({ errorKind: 'error' })).toEqual([byStatus.retrying])
    expect(await find({ ids: new Set([byStatus.failed, other.id, 'gone']) })).toEqual(
      [byStatus.failed, other.id].sort(),
    )
    const madeAt = Date.parse((await q.read(queue, byStatus.failed)).createdAt)
    const failed = { statuses: ['failed' as const] }
    expect(await find({ ...failed, from: madeAt })).toEqual([byStatus.failed])
    expect(await find({ ...failed, from: madeAt + 1 })).toEqual([])
    expect(await find({ ...failed, to: madeAt })).toEqual([])
    expect(await find({ ...failed, to: madeAt + 1 })).toEqual([byStatus.failed])
    expect(await find({ type: 'test.other', from: Date.parse(other.createdAt) })).toEqual([other.id])
    expect(await find({ type: 'test.other', to: Date.parse(other.createdAt) })).toEqual([])
  })

  it('lists dead letters without those that were discarded', async () => {
    const { queue, byStatus } = await jobsInEveryStatus()
    const find = async () => ids((await listDeadLetters(q.redis, { queues: [queue] }, 50)).items)
    // In the order in which they died.
    const both = [byStatus.timed_out, byStatus.failed]
    expect(await find()).toEqual(both)
    const { failed } = bullKeys(queue)
    const [, newest] = await q.redis.zrevrange(failed, '0', '0', 'WITHSCORES')
    await q.redis.zadd(failed, Number(newest) + 1, byStatus.failed)
    expect(await find()).toEqual(both.toReversed())
    await discardJobs(q.redis, queue, [byStatus.failed], by)
    expect(await find()).toEqual([byStatus.timed_out])
    const { items } = await listJobs(q.redis, { queues: [queue], statuses: ['failed', 'timed_out'] }, 50)
    expect(ids(items).sort()).toEqual(both.sort())
  })

  it('meets each job once while jobs come, go and move between two pages', async () => {
    const queue = q.newQueue()
    const added = await addMany(queue, 30)
    const first = await listJobs(q.redis, { queues: [queue] }, 10)
    expect(ids(first.items)).toEqual(added.slice(20).toReversed())
    await addMany(queue, 5)
    for (const id of added.slice(5, 10)) await cancelJob(q.redis, { queue, id }, by)
    await q.redis.del(jobKey(queue, added[19] as string))
    const second = await listJobs(q.redis, { queues: [queue] }, 30, first.next)
    expect(ids(second.items)).toEqual(added.slice(0, 19).toReversed())
    expect(second.next).toBeUndefined()
  })

  it('goes on behind a job that has gone', async () => {
    const queue = q.newQueue()
    const added = await addMany(queue, 3)
    const { next } = await listJobs(q.redis, { queues: [queue] }, 1)
    await q.redis.del(jobKey(queue, added[2] as string))
    expect(ids((await listJobs(q.redis, { queues: [queue] }, 5, next)).items)).toEqual([added[1], added[0]])
  })

  it('pages through jobs that were all made in one millisecond', async () => {
    const queue = q.newQueue()
    const added = await addMany(queue, 333, { createdAt: Date.now() })
    const paged = (await listAll({ queues: [queue] }, 50)).flat()
    expect(ids(paged)).toEqual(added.toReversed())
  })

  it('reads a bounded number of jobs for a page that few fit, and says how far it came', async () => {
    const queue = q.newQueue()
    const wanted = await q.add(queue, { type: 'test.rare' })
    for (let n = 0; n < 11; n++) await addMany(queue, 1000)
    const first = await listJobs(q.redis, { queues: [queue], type: 'test.rare' }, 10)
    expect([first.items, first.next === undefined]).toEqual([[], false])
    const second = await listJobs(q.redis, { queues: [queue], type: 'test.rare' }, 10, first.next)
    expect([ids(second.items), second.next]).toEqual([[wanted.id], undefined])
  })

  it('finds the few that run among very many that wait', async () => {
    const queue = q.newQueue()
    const running = await q.add(queue)
    await q.consume(queue, untilStopped)
    await q.readWhen(queue, running.id, ({ status }) => status === 'running')
    for (let n = 0; n < 11; n++) await addMany(queue, 1000)
    const page = await listJobs(q.redis, { queues: [queue], statuses: ['running'] }, 10)
    expect([ids(page.items), page.next]).toEqual([[running.id], undefined])
  })

  it('forgets the places of jobs that are gone', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    await q.redis.del(jobKey(queue, id))
    expect(await q.redis.zcard(indexKey(queue))).toBe(1)
    await listJobs(q.redis, { queues: [queue] }, 10)
    expect(await q.redis.zcard(indexKey(queue))).toBe(0)
  })

  it('lists jobs of a Redis that is full', async () => {
    const own = await openTestQueues((await startRedis()).url)
    const queue = own.newQueue()
    const added = [await own.add(queue), await own.add(queue)]
    await own.redis.config('SET', 'maxmemory', 1)
    await expect(own.add(queue)).rejects.toThrow('OOM')
    expect((await listJobs(own.redis, { queues: [queue] }, 10)).items).toEqual(added.reverse())
  })
})
