import { sleep } from '@foliot/example-demo/jobs'
import { describeJob, type Job } from '@foliot/jobs'
import { announce } from '@foliot/queue'
import { waitUntil } from '@foliot/testkit'
import { beforeAll, describe, expect, it } from 'vitest'
import { runAsAsked } from '../fixtures/runs.ts'
import { openTestApi } from '../fixtures/test-api.ts'

const api = await openTestApi()
await announce(api.redis, [{ ...describeJob(sleep), name: 'test.other', queue: 'other' }])

const list = async (query: string, path = '/v1/jobs') => {
  const answer = await api.get(`${path}?${query}`)
  if (answer.status !== 200) throw new Error(`expected 200, got ${JSON.stringify(answer.body)}`)
  return answer.body as { items: Job[]; nextCursor: string | null }
}

/** Every page, by its cursor. */
async function pages(query: string): Promise<Job[][]> {
  const all: Job[][] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page = await list(`${query}${cursor && `&cursor=${cursor}`}`)
    all.push(page.items)
    cursor = page.nextCursor
  }
  return all
}

const ids = (jobs: readonly Job[]): string[] => jobs.map(({ id }) => id)

let finished: string[]
let waiting: string[]
let failed: Job
let other: Job
let scheduled: Job

beforeAll(async () => {
  const jobs = Array.from({ length: 250 }, (_, i) => ({
    type: 'demo.echo',
    input: i,
    labels: { half: i % 2 ? 'odd' : 'even', colons: 'a:b:c' },
  }))
  const { body } = await api.post('/v1/jobs/batch', { jobs })
  finished = body.results.map(({ job }: { job: Job }) => job.id)
  failed = (await api.post('/v1/jobs', { type: 'demo.fail', input: { times: 1, message: 'no' } })).job(202)
  // One at a time, so that they finish in the order in which they were made.
  const consumer = await api.consume(runAsAsked, { concurrency: 1 })
  await waitUntil(async () => (await list('status=failed')).items.length === 1, { timeoutMs: 20_000 })
  await consumer.stop(0)
  waiting = ids([await api.echo('w1'), await api.echo('w2'), await api.echo('w3')])
  scheduled = await api.echo('later', { delayMs: 3_600_000, labels: { half: 'odd' } })
  other = (await api.post('/v1/jobs', { type: 'test.other', input: { ms: 1 }, priority: 3 })).job(202)
})

describe('GET /v1/jobs', () => {
  it('pages through 250 finished jobs, newest first, and ends', async () => {
    const all = await pages('status=succeeded&limit=40')
    expect(all.map(({ length }) => length)).toEqual([40, 40, 40, 40, 40, 40, 10])
    expect(ids(all.flat()).toSorted()).toEqual(finished.toSorted())
    const made = all.flat().map(({ createdAt, id }) => createdAt + id)
    expect(made).toEqual(made.toSorted().toReversed())
  })

  it('pages through jobs of every status and queue, each once', async () => {
    const all = (await pages('limit=7')).flat()
    const expected = [...finished, ...waiting, failed.id, scheduled.id, other.id]
    expect(ids(all).toSorted()).toEqual(expected.toSorted())
  })

  it('gives fifty unless told otherwise, and 200 at most', async () => {
    expect((await list('')).items).toHaveLength(50)
    expect((await list('limit=200')).items).toHaveLength(200)
  })

  it('has no next page when the last job fits exactly', async () => {
    const { items, nextCursor } = await list('status=queued&queue=demo&limit=3')
    expect([ids(items), nextCursor]).toEqual([waiting.toReversed(), null])
  })

  it.each<[string, () => string[]]>([
    ['status=queued', () => [other.id, ...waiting.toReversed()]],
    ['status=scheduled', () => [scheduled.id]],
    ['status=scheduled,queued&queue=other', () => [other.id]],
    ['status=scheduled&status=failed', () => [scheduled.id, failed.id]],
    ['status=cancelled', () => []],
    ['queue=other', () => [other.id]],
    ['type=test.other', () => [other.id]],
    ['type=no.such', () => []],
    ['label=half:odd&status=scheduled', () => [scheduled.id]],
    ['label=half:neither', () => []],
    ['label=constructor:x', () => []],
    ['errorKind=error', () => [failed.id]],
    ['from=2090-01-01T00:00:00Z', () => []],
    ['to=2020-01-01T00:00:00Z', () => []],
    ['status=failed&from=2020-01-01T00:00:00Z&to=2090-01-01T00:00:00Z', () => [failed.id]],
  ])('filters by %s', async (query, expected) => {
    expect(ids((await pages(query)).flat()).toSorted()).toEqual(expected().toSorted())
  })

  it('filters by a label, up to its first colon the name', async () => {
    const odd = finished.filter((_, i) => i % 2 === 1)
    expect(ids((await pages('label=half:odd&status=succeeded&limit=30')).flat()).toSorted()).toEqual(odd.toSorted())
    expect((await list('label=colons:a:b:c&limit=1')).items).toHaveLength(1)
    expect((await list('label=colons:a&limit=1')).items).toHaveLength(0)
  })

  it('splits at an instant: from is in, to is out', async () => {
    const { items } = await list('status=succeeded&limit=200')
    const at = items[100]?.createdAt as string
    const [after, before] = [await pages(`status=succeeded&from=${at}`), await pages(`status=succeeded&to=${at}`)]
    expect(ids([...after.flat(), ...before.flat()]).toSorted()).toEqual(finished.toSorted())
    expect(after.flat().every(({ createdAt }) => createdAt >= at)).toBe(true)
  })

  it.each([
    'limit=0',
    'limit=201',
    'limit=-1',
    'limit=1.5',
    'limit=abc',
    'limit=',
    'limit=1&limit=2',
    'limit=0x10',
    'from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z',
    'status=bogus',
    'status=',
    'status=queued,bogus',
    'label=abc',
    'label=:x',
    'label=a:b&label=c:d',
    'from=yesterday',
    'from=2027-01-01',
    'to=2027-02-30T00:00:00Z',
    'cursor=',
    'cursor=abc',
    'cursor=W10',
    'cursor=WzAsLTFd',
    `cursor=${'a'.repeat(5000)}`,
    'colour=red',
    '__proto__=1',
    'constructor=1',
    'status[]=queued',
    `type=${'x'.repeat(129)}`,
  ])('refuses %s', async (query) => {
    ;(await api.get(`/v1/jobs?${query}`)).problem(400, 'validation_failed')
  })

  it.each(['', 'status=succeeded&type=demo.echo', 'status=cancelled', 'status=succeeded&label=half:odd'])(
    'refuses for %j the cursor of another list',
    async (query) => {
      const { nextCursor } = await list('status=succeeded&limit=1')
      const answer = await api.get(`/v1/jobs?${query}&limit=1&cursor=${nextCursor}`)
      expect(answer.problem(400, 'validation_failed').errors?.[0]?.path).toBe('/cursor')
    },
  )

  it.each(['!', '%3D', '%20'])('refuses a cursor with %s behind it', async (junk) => {
    const { nextCursor } = await list('status=succeeded&limit=1')
    const answer = await api.get(`/v1/jobs?status=succeeded&limit=1&cursor=${nextCursor}${junk}`)
    expect(answer.problem(400, 'validation_failed').errors?.[0]?.path).toBe('/cursor')
  })

  it.each(['nope', '../x', '..%2fx', '%2e%2e', 'DEMO', '__proto__', 'demo%00', ''])(
    'does not know the queue %j',
    async (queue) => {
      ;(await api.get(`/v1/jobs?queue=${queue}`)).problem(404, 'not_found')
    },
  )
})

describe('GET /v1/jobs/{id}', () => {
  it.each([
    '0198c0de-0000-7000-8000-000000000000',
    'x',
    'batch',
    'meta',
    'wait',
    '..',
    '%2e%2e',
    '..%2f..%2fmeta',
    '%00',
    '%20',
    '%E2%82%AC',
    '__proto__',
    'constructor',
    'x'.repeat(256),
    'x'.repeat(257),
    'x'.repeat(8000),
    '%',
    '%zz',
    '%ff',
  ])('answers 404 for the id %j', async (id) => {
    ;(await api.get(`/v1/jobs/${id}`)).problem(404, 'not_found')
    ;(await api.get(`/v1/jobs/${id}/logs`)).problem(404, 'not_found')
  })

  it.each<[string, (id: string) => string]>([
    ['upper case', (id) => id.toUpperCase()],
    ['braces', (id) => `{${id}}`],
    ['a NUL byte', (id) => `${id}%00`],
    ['a letter too many', (id) => `${id}0`],
    ['no dashes', (id) => id.replaceAll('-', '')],
  ])('answers 404 for an id that is there, written with %s', async (_, write) => {
    ;(await api.get(`/v1/jobs/${write(scheduled.id)}`)).problem(404, 'not_found')
  })

  it('finds a job in a queue that another api has heard of first', async () => {
    await announce(api.redis, [{ ...describeJob(sleep), name: 'test.newest', queue: 'newest' }])
    const elsewhere = await openTestApi({
      redisUrl: `redis://127.0.0.1:${api.redis.options.port}/${api.redis.options.db}`,
    })
    const job = (await elsewhere.post('/v1/jobs', { type: 'test.newest', input: { ms: 1 } })).job(202)
    expect(api.catalog.queues).not.toContain('newest')
    expect((await api.get(`/v1/jobs/${job.id}`)).job(200)).toEqual(job)
  })
})
