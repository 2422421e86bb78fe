import type { Job, JobStatus } from '@foliot/jobs'
import { startRedis } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { enqueueMany } from '../enqueue/enqueue.ts'
import { discardJobs } from '../fixtures/dead-letters.ts'
import { dead, newJob, openTestQueues, retry, succeed, untilStopped } from '../fixtures/test-queues.ts'
import { jobKey } from '../keys.ts'
import { pauseQueue } from '../queues/queues.ts'
import { type JobFilter, listJobs } from './list-jobs.ts'
import { cancelJob } from './moves.ts'

const q = await openTestQueues()
const by = { by: 'test' }
const notACursor = { code: 'validation_failed', errors: [{ path: '/cursor' }] }

/** Every page of a list. */
async function listAll(filter: JobFilter, limit: number): Promise<Job[][]> {
  const pages: Job[][] = []
  let cursor: string | undefined
  do {
    const page = await listJobs(q.redis, filter, limit, cursor)
    pages.push(page.items)
    cursor = page.nextCursor
  } while (cursor !== undefined)
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
    expect(await listJobs(q.redis, { queues: [q.newQueue()] }, 10)).toEqual({ items: [], nextCursor: undefined })
    expect(await listJobs(q.redis, { queues: [] }, 10)).toEqual({ items: [], nextCursor: undefined })
  })

  it('finds the jobs of each status, and all without one', async () => {
    const { queue, byStatus } = await jobsInEveryStatus()
    for (const [status, id] of Object.entries(byStatus) as [JobStatus, string][]) {
      const { items } = await listJobs(q.redis, { queues: [queue], statuses: [status] }, 10)
      expect([status, ids(items)]).toEqual([status, [id]])
    }
    const all = await listJobs(q.redis, { queues: [queue] }, 50)
    expect(ids(all.items).sort()).toEqual(Object.values(byStatus).sort())
    expect(all.nextCursor).toBeUndefined()
  })

  it('shows finished jobs newest first, over several queues', async () => {
    const queues = [q.newQueue(), q.newQueue()] as const
    for (const queue of queues) await q.consume(queue, succeed)
    const done: string[] = []
    for (let n = 0; n < 6; n++) {
      const queue = queues[n % 2] as string
      const { id } = await q.add(queue)
      const { finishedAt } = await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
      done.unshift(id)
      while (Date.now() <= Date.parse(finishedAt as string)) await q.redis.ping()
    }
    expect(ids((await listJobs(q.redis, { queues }, 10)).items)).toEqual(done)
    expect(ids((await listAll({ queues }, 4)).flat())).toEqual(done)
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

  it('filters by type, label, kind of error, id and time', async () => {
    const { queue, byStatus } = await jobsInEveryStatus()
    const other = await q.add(queue, { type: 'test.other', labels: { team: 'a', empty: '' } })
    const find = async (filter: Omit<JobFilter, 'queues'>) =>
      ids((await listJobs(q.redis, { queues: [queue], ...filter }, 50)).items).sort()
    expect(await find({ type: 'test.other' })).toEqual([other.id])
    expect(await find({ type: 'test.othe' })).toEqual([])
    expect(await find({ label: { key: 'team', value: 'a' } })).toEqual([other.id])
    expect(await find({ label: { key: 'team', value: 'b' } })).toEqual([])
    expect(await find({ label: { key: 'empty', value: '' } })).toEqual([other.id])
    expect(await find({ errorKind: 'http' })).toEqual([byStatus.failed])
    expect(await find({ errorKind: 'error' })).toEqual([byStatus.retrying])
    expect(await find({ ids: new Set([byStatus.failed, other.id, 'gone']) })).toEqual(
      [byStatus.failed, other.id].sort(),
    )
    const failedAt = Date.parse((await q.read(queue, byStatus.failed)).finishedAt as string)
    const failed = { statuses: ['failed' as const] }
    expect(await find({ ...failed, from: failedAt })).toEqual([byStatus.failed])
    expect(await find({ ...failed, from: failedAt + 1 })).toEqual([])
    expect(await find({ ...failed, to: failedAt })).toEqual([])
    expect(await find({ ...failed, to: failedAt + 1 })).toEqual([byStatus.failed])
  })

  it('lists dead letters without those that were discarded', async () => {
    const { queue, byStatus } = await jobsInEveryStatus()
    const find = async (filter: Omit<JobFilter, 'queues'>) =>
      ids((await listJobs(q.redis, { queues: [queue], ...filter }, 50)).items).sort()
    const both = [byStatus.failed, byStatus.timed_out].sort()
    expect(await find({ deadLetters: true })).toEqual(both)
    await discardJobs(q.redis, queue, [byStatus.failed], by)
    expect(await find({ deadLetters: true })).toEqual([byStatus.timed_out])
    expect(await find({ statuses: ['failed', 'timed_out'] })).toEqual(both)
  })

  it.each([
    'nonsense',
    '',
    Buffer.from('{}').toString('base64url'),
    Buffer.from('null').toString('base64url'),
    Buffer.from('[]').toString('base64url'),
    Buffer.from('[0,0]').toString('base64url'),
  ])('refuses the cursor %j', async (cursor) => {
    await expect(listJobs(q.redis, { queues: [q.newQueue()] }, 10, cursor)).rejects.toMatchObject(notACursor)
  })

  /** A queue of three jobs, and the cursor behind the first of them. */
  async function firstPage(filter: Omit<JobFilter, 'queues'> = {}): Promise<{ queue: string; cursor: string }> {
    const queue = q.newQueue()
    await addMany(queue, 3)
    const { nextCursor } = await listJobs(q.redis, { queues: [queue], ...filter }, 1)
    return { queue, cursor: nextCursor as string }
  }

  /** The cursor with its JSON changed. */
  const rewrite = (cursor: string, change: (json: string) => string): string =>
    Buffer.from(change(Buffer.from(cursor, 'base64url').toString())).toString('base64url')

  it.each<[string, (cursor: string) => string]>([
    ['something behind it', (cursor) => `${cursor}!`],
    ['a letter behind it', (cursor) => `${cursor}A`],
    ['padding behind it', (cursor) => `${cursor}=`],
    ['a space before it', (cursor) => ` ${cursor}`],
    ['a space within', (cursor) => rewrite(cursor, (json) => json.replace(',', ', '))],
    ['a line behind its end', (cursor) => rewrite(cursor, (json) => `${json}\n`)],
    ...['-1', '0.5', '"1"', '1e99', '1e0', '-0', 'null'].map((offset): [string, (cursor: string) => string] => [
      `the offset ${offset}`,
      (cursor) => rewrite(cursor, (json) => json.replace(/,\d+/, `,${offset}`)),
    ]),
    ['an offset more', (cursor) => rewrite(cursor, (json) => json.replace(']', ',0]'))],
    ['an offset less', (cursor) => rewrite(cursor, (json) => json.replace(/,0]$/, ']'))],
  ])('refuses a cursor with %s', async (_, change) => {
    const { queue, cursor } = await firstPage()
    const changed = change(cursor)
    expect(changed).not.toBe(cursor)
    await expect(listJobs(q.redis, { queues: [queue] }, 1, changed)).rejects.toMatchObject(notACursor)
    expect((await listJobs(q.redis, { queues: [queue] }, 1, cursor)).items).toHaveLength(1)
  })

  it.each<[string, Omit<JobFilter, 'queues'>, Partial<JobFilter>]>([
    ['more statuses', { statuses: ['queued'] }, { statuses: ['queued', 'failed'] }],
    ['other statuses in the same places', { statuses: ['queued', 'failed'] }, { statuses: ['queued', 'timed_out'] }],
    ['another queue', {}, { queues: ['another'] }],
    ['one type', {}, { type: 'test.echo' }],
    ['another type', { type: 'test.echo' }, { type: 'test.other' }],
    ['one label', {}, { label: { key: 'a', value: 'b' } }],
    ['one kind of error', {}, { errorKind: 'error' }],
    ['dead letters', {}, { deadLetters: true }],
    ['certain ids', {}, { ids: new Set(['a']) }],
    ['what came later', {}, { from: 1 }],
    ['what came earlier', {}, { to: 2e12 }],
  ])('refuses for a list of %s the cursor of another', async (_, filter, other) => {
    const { queue, cursor } = await firstPage(filter)
    const changed = { queues: [queue], ...filter, ...other } as JobFilter
    await expect(listJobs(q.redis, changed, 1, cursor)).rejects.toMatchObject(notACursor)
  })

  it('knows its cursor again when the same filter names things in another order', async () => {
    const queue = q.newQueue()
    const added = await addMany(queue, 3)
    const filter = { queues: [queue], statuses: ['failed' as const, 'queued' as const], ids: new Set(added) }
    const { nextCursor } = await listJobs(q.redis, filter, 1)
    const reversed = {
      queues: [queue],
      statuses: filter.statuses.toReversed(),
      ids: new Set(added.toReversed()),
    }
    expect(ids((await listJobs(q.redis, reversed, 1, nextCursor)).items)).toEqual([added[1]])
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
