import { expect, it } from 'vitest'
import { NO_ENVELOPE } from '../enqueue/envelope.ts'
import { openTestQueues } from '../fixtures/test-queues.ts'
import { bullKeys, jobKey } from '../keys.ts'
import { GROUP_LIMIT, groupErrors, SCAN_LIMIT } from './error-groups.ts'
import { fingerprintOf } from './stored-fingerprint.ts'

const q = await openTestQueues()

let deaths = 0

/** Dead letters that died one ms after the other, with these fields. */
async function die(queue: string, ...jobs: Record<string, string>[]): Promise<string[]> {
  const pipeline = q.redis.pipeline()
  const ids = jobs.map(() => `job-${++deaths}`)
  for (const [i, fields] of jobs.entries()) {
    const at = Number(ids[i]?.slice(4))
    pipeline.hset(jobKey(queue, ids[i] as string), { name: 'test.a', st: 'failed', finishedOn: at, ...fields })
    pipeline.zadd(bullKeys(queue).failed, at, ids[i] as string)
  }
  await pipeline.exec()
  return ids
}

const http = { ek: 'http', en: 'HttpError', fp: 'http-1' }
const timeOf = (id: string | undefined): string => new Date(Number(id?.slice(4))).toISOString()

it('groups dead letters of several queues by what went wrong, the largest group first', async () => {
  const [a, b] = [q.newQueue(), q.newQueue()]
  const [first] = await die(
    a,
    { ...http, failedReason: 'no 1' },
    { ek: 'crashed', en: 'WorkerLost', failedReason: 'x' },
  )
  await die(b, { ...http, failedReason: 'no 2' })
  const [last] = await die(a, { ...http, failedReason: 'no 3' })
  const { groups, truncated } = await groupErrors(q.redis, { queues: [a, b] })
  expect(truncated).toBe(false)
  expect(groups).toEqual([
    {
      fingerprint: 'http-1',
      type: 'test.a',
      name: 'HttpError',
      kind: 'http',
      message: 'no 3',
      count: 3,
      firstSeenAt: timeOf(first),
      lastSeenAt: timeOf(last),
      sampleJobId: last,
      queues: [a, b],
    },
    expect.objectContaining({
      fingerprint: fingerprintOf({ name: 'test.a', ek: 'crashed' }),
      name: 'WorkerLost',
      kind: 'crashed',
      count: 1,
    }),
  ])
})

it('keeps to a filter', async () => {
  const queue = q.newQueue()
  const env = JSON.stringify({ ...NO_ENVELOPE, labels: { team: 'a' } })
  const ids = await die(
    queue,
    { ...http, env },
    { ...http, name: 'test.b', fp: 'http-2' },
    { ek: 'smtp', fp: 'smtp-1', env: JSON.stringify({ ...NO_ENVELOPE, tenant: 'acme' }) },
  )
  const of = async (filter: object) =>
    (await groupErrors(q.redis, { queues: [queue], ...filter })).groups.map(({ fingerprint }) => fingerprint).sort()
  expect(await of({})).toEqual(['http-1', 'http-2', 'smtp-1'])
  expect(await of({ type: 'test.b' })).toEqual(['http-2'])
  expect(await of({ tenant: 'acme' })).toEqual(['smtp-1'])
  expect(await of({ tenant: 'default' })).toEqual(['http-1', 'http-2'])
  expect(await of({ errorKind: 'http' })).toEqual(['http-1', 'http-2'])
  expect(await of({ fingerprint: 'smtp-1' })).toEqual(['smtp-1'])
  expect(await of({ label: { key: 'team', value: 'a' } })).toEqual(['http-1'])
  expect(await of({ from: Number(ids[1]?.slice(4)) })).toEqual(['http-2', 'smtp-1'])
  expect(await of({ to: Number(ids[1]?.slice(4)) })).toEqual(['http-1'])
  expect(await of({ queues: [] })).toEqual([])
})

it('passes over what is gone or is no job, and cuts a long message', async () => {
  const queue = q.newQueue()
  const [gone, broken, long] = await die(queue, http, http, { ...http, failedReason: 'x'.repeat(10_000) })
  await q.redis.del(jobKey(queue, gone as string))
  await q.redis.set(jobKey(queue, broken as string), 'no job')
  const { groups } = await groupErrors(q.redis, { queues: [queue] })
  expect(groups).toEqual([
    expect.objectContaining({ count: 1, sampleJobId: long, message: expect.stringContaining('cut') }),
  ])
  expect(groups[0]?.message.length).toBeLessThanOrEqual(1024)
})

it('says that it left something out: older dead letters, or small groups', async () => {
  const [many, varied] = [q.newQueue(), q.newQueue()]
  const [oldest] = await die(many, http, ...Array.from({ length: SCAN_LIMIT - 1 }, () => http))
  const all = await groupErrors(q.redis, { queues: [many] })
  expect(all).toMatchObject({ truncated: false, groups: [{ count: SCAN_LIMIT, firstSeenAt: timeOf(oldest) }] })
  await die(many, http)
  const newest = await groupErrors(q.redis, { queues: [varied, many] })
  expect(newest).toMatchObject({ truncated: true, groups: [{ count: SCAN_LIMIT, sampleJobId: `job-${deaths}` }] })
  expect(newest.groups[0]?.firstSeenAt).not.toBe(timeOf(oldest))

  const different = Array.from({ length: GROUP_LIMIT + 1 }, (_, n) => ({ ...http, fp: `http-${n}` }))
  await die(varied, ...different, { ...http, fp: 'http-7' })
  const largest = await groupErrors(q.redis, { queues: [varied] })
  expect(largest).toMatchObject({ truncated: true, groups: { length: GROUP_LIMIT } })
  expect(largest.groups[0]).toMatchObject({ fingerprint: 'http-7', count: 2 })
})
