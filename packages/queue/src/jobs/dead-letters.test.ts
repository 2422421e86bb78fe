import { describe, expect, it } from 'vitest'
import { NO_ENVELOPE } from '../enqueue/envelope.ts'
import { discardJobs } from '../fixtures/dead-letters.ts'
import { openTestQueues } from '../fixtures/test-queues.ts'
import { bullKeys, jobKey } from '../keys.ts'
import { readDeadLetters } from './dead-letters.ts'
import type { JobFilter } from './job-filter.ts'
import { fingerprintOf } from './stored-fingerprint.ts'

const q = await openTestQueues()

/** Dead letters that died at these times, in ms, each with its place in the list as id. */
async function deadAt(
  times: readonly number[],
  fields: (n: number) => Record<string, string> = () => ({}),
): Promise<string> {
  const queue = q.newQueue()
  const pipeline = q.redis.pipeline()
  for (const [n, at] of times.entries()) {
    pipeline.hset(jobKey(queue, String(n)), { name: 'test.a', st: 'failed', finishedOn: String(at), ...fields(n) })
    pipeline.zadd(bullKeys(queue).failed, at, String(n))
  }
  await pipeline.exec()
  return queue
}

/** Reads to the end, each time from where the last read came to. */
async function walk(
  queue: string,
  filter: Omit<JobFilter, 'queues'>,
  until: number,
  each: (ids: string[]) => Promise<unknown> = async () => undefined,
  { count = 500, most = 500 } = {},
): Promise<string[]> {
  const met: string[] = []
  for (let after = { at: filter.from ?? 0, id: '' }; ; ) {
    const read = await readDeadLetters(q.redis, queue, filter, { after, until, count, most })
    if (!read) return met
    expect(read.ids.length).toBeLessThanOrEqual(most)
    met.push(...read.ids)
    after = read.reached
    await each(read.ids)
  }
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, n) => String(n))

describe('readDeadLetters', () => {
  it.each([
    ['one after another', (n: number) => n],
    ['many in a millisecond', (n: number) => Math.floor(n / 700)],
    ['all in one', () => 5],
  ])('meets each once, oldest first: %s', async (_, at) => {
    const queue = await deadAt(Array.from({ length: 2100 }, (_, n) => at(n)))
    const met = await walk(queue, {}, 5000)
    expect(
      met
        .map(Number)
        .sort((a, b) => a - b)
        .map(String),
    ).toEqual(numbers(2100))
    expect(met.map((id) => at(Number(id)))).toEqual(met.map((_, n) => at(n)))
  })

  it('meets none twice and misses none while they are moved away, by the caller or by another', async () => {
    const queue = await deadAt(numbers(1600).map(Number))
    const met = await walk(queue, {}, 5000, async (ids) => {
      const even = ids.filter((id) => Number(id) % 2 === 0)
      const othersAhead = numbers(1600).filter((id) => Number(id) < Number(ids.at(-1)) && Number(id) % 3 === 0)
      await discardJobs(q.redis, queue, [...even, ...othersAhead], { by: 'test' })
    })
    expect(met).toEqual(numbers(1600))
  })

  it('leaves out those that died later', async () => {
    const queue = await deadAt([10, 20, 30])
    let died = 100
    const met = await walk(queue, {}, 20, async (ids) => {
      for (const id of ids) await q.redis.zadd(bullKeys(queue).failed, ++died, id)
    })
    expect(met).toEqual(['0', '1'])
  })

  it('goes on behind the last that it gave, of those that fit', async () => {
    const queue = await deadAt(numbers(40).map(Number), (n) => ({ name: n % 3 === 0 ? 'test.a' : 'test.b' }))
    for (const most of [1, 2, 5]) {
      const met = await walk(queue, { type: 'test.a' }, 5000, undefined, { count: 10, most })
      expect(met).toEqual(numbers(40).filter((n) => Number(n) % 3 === 0))
    }
  })

  it('orders what died in the same millisecond as Redis does: by bytes', async () => {
    const queue = q.newQueue()
    const ids = ['', '-', '10', '9', 'B', 'Z', '_', 'a', 'aa', 'ä', 'é', '\u{1f600}']
    for (const id of ids) await q.redis.zadd(bullKeys(queue).failed, 7, id)
    expect(await walk(queue, {}, 5000, undefined, { count: 1 })).toEqual(
      await q.redis.zrange(bullKeys(queue).failed, '0', '-1'),
    )
  })

  it('keeps to the times asked for: from, and before', async () => {
    const queue = await deadAt([10, 20, 30, 40])
    expect(await walk(queue, { from: 20, to: 40 }, 5000)).toEqual(['1', '2'])
    expect(await walk(queue, { to: 10 }, 5000)).toEqual([])
    expect(await walk(queue, { from: 41 }, 5000)).toEqual([])
  })

  it('keeps to the fingerprint, also of those that no attempt has written', async () => {
    const queue = await deadAt([10, 20, 30, 40, 50], (n) => {
      const failures = [
        { ek: 'http', fp: 'http-1' },
        { ek: 'http', fp: 'http-2' },
        // The fingerprint is of an earlier failure.
        { ek: 'crashed', fp: 'http-1' },
        { ek: 'crashed' },
        { ek: 'crashed', name: 'test.b' },
      ]
      return failures[n] ?? {}
    })
    expect(await walk(queue, { fingerprint: 'http-1' }, 5000)).toEqual(['0'])
    const crashed = fingerprintOf({ name: 'test.a', ek: 'crashed' })
    expect(await walk(queue, { fingerprint: crashed }, 5000)).toEqual(['2', '3'])
    expect(await walk(queue, { fingerprint: 'http' }, 5000)).toEqual([])
  })

  it('keeps to type, tenant, label, kind of error and ids', async () => {
    const envs = [
      { ...NO_ENVELOPE, labels: { team: 'a' } },
      'broken',
      null,
      { ...NO_ENVELOPE, tenant: 'acme', labels: { team: 'b' } },
    ]
    const queue = await deadAt([10, 20, 30, 40], (n) => ({
      name: n < 2 ? 'test.a' : 'test.b',
      env: JSON.stringify(envs[n]),
      ...(n % 2 === 1 && { ek: 'http' }),
    }))
    expect(await walk(queue, { type: 'test.b' }, 5000)).toEqual(['2', '3'])
    expect(await walk(queue, { tenant: 'acme' }, 5000)).toEqual(['3'])
    // One that cannot be read is nobody's.
    expect(await walk(queue, { tenant: 'default' }, 5000)).toEqual(['0'])
    expect(await walk(queue, { tenant: 'acme', type: 'test.a' }, 5000)).toEqual([])
    expect(await walk(queue, { label: { key: 'team', value: 'a' } }, 5000)).toEqual(['0'])
    expect(await walk(queue, { errorKind: 'http' }, 5000)).toEqual(['1', '3'])
    expect(await walk(queue, { errorKind: 'error' }, 5000)).toEqual(['0', '2'])
    expect(await walk(queue, { ids: new Set(['1', '2', 'gone']) }, 5000)).toEqual(['1', '2'])
    expect(await walk(queue, { ids: new Set(['1', '2']), type: 'test.b' }, 5000)).toEqual(['2'])
    expect(await walk(queue, { ids: new Set() }, 5000)).toEqual([])
  })
})
