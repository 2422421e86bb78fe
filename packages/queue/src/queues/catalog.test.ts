import type { JobType } from '@foliot/jobs'
import { beforeEach, describe, expect, it } from 'vitest'
import { openTestQueues } from '../fixtures/test-queues.ts'
import { catalogKey, catalogRevisionKey, catalogSeenKey, queuesKey } from '../keys.ts'
import { announce, Catalog } from './catalog.ts'
import { limitQueue } from './queues.ts'

const q = await openTestQueues()
beforeEach(() => q.redis.flushdb())

const type = (name: string, more: Partial<JobType> = {}): JobType => ({
  name,
  version: 1,
  queue: 'default',
  description: '',
  inputSchema: { type: 'object' },
  retry: { attempts: 3, kind: 'exponential', baseMs: 1000, factor: 2, maxMs: 60_000, jitter: 'full' },
  timeoutMs: 60_000,
  priority: 0,
  redact: [],
  ...more,
})

async function refreshed(): Promise<Catalog> {
  const catalog = new Catalog(q.redis)
  await catalog.refresh()
  return catalog
}

/** Has the last announcement of a type be so long ago. */
const age = async (name: string, ms: number): Promise<unknown> => q.redis.zincrby(catalogSeenKey, -ms, name)

describe('announce', () => {
  it('makes types and their queues known, as they were announced', async () => {
    const types = [type('mail.send', { queue: 'mail', outputSchema: { type: 'string' }, redact: ['to'] }), type('a.b')]
    await announce(q.redis, types)
    const catalog = await refreshed()
    expect(catalog.types).toEqual([type('a.b'), types[0]])
    expect(catalog.queues).toEqual(['default', 'mail'])
  })

  it('changes the revision only when something changes', async () => {
    const revision = () => q.redis.get(catalogRevisionKey)
    await announce(q.redis, [type('a.b')])
    const first = await revision()
    await announce(q.redis, [type('a.b')])
    expect(await revision()).toBe(first)
    await announce(q.redis, [type('a.b', { timeoutMs: 5 })])
    expect(await revision()).not.toBe(first)
  })

  it('lets the higher version win while its workers live, and a lower one when they are gone', async () => {
    const versionOf = async () => (await (await refreshed()).find('a.b')).version
    await announce(q.redis, [type('a.b', { version: 2 })])
    await announce(q.redis, [type('a.b', { version: 1 })])
    expect(await versionOf()).toBe(2)
    await age('a.b', 20_000)
    await announce(q.redis, [type('a.b', { version: 1 })])
    expect(await versionOf()).toBe(2)
    await age('a.b', 20_000)
    await announce(q.redis, [type('a.b', { version: 1 })])
    expect(await versionOf()).toBe(1)
    await announce(q.redis, [type('a.b', { version: 3 })])
    expect(await versionOf()).toBe(3)
  })

  it('does not keep the higher version alive by announcing a lower one', async () => {
    await announce(q.redis, [type('a.b', { version: 2 })])
    await age('a.b', 29_000)
    const seen = await q.redis.zscore(catalogSeenKey, 'a.b')
    await announce(q.redis, [type('a.b', { version: 1 })])
    expect(await q.redis.zscore(catalogSeenKey, 'a.b')).toBe(seen)
  })

  it('forgets a type that nobody announced for a week', async () => {
    await announce(q.redis, [type('old.one'), type('a.b')])
    await age('old.one', 7 * 24 * 60 * 60 * 1000 - 10_000)
    await announce(q.redis, [type('a.b')])
    expect(await q.redis.hexists(catalogKey, 'old.one')).toBe(1)
    await age('old.one', 20_000)
    await announce(q.redis, [type('a.b')])
    expect((await refreshed()).types.map(({ name }) => name)).toEqual(['a.b'])
  })
})

describe('Catalog', () => {
  it('knows nothing at first', async () => {
    const catalog = await refreshed()
    expect([catalog.types, catalog.queues]).toEqual([[], []])
  })

  it('sees at a refresh what came, changed and went', async () => {
    const catalog = await refreshed()
    await announce(q.redis, [type('a.b'), type('c.d', { queue: 'other' })])
    await catalog.refresh()
    expect(catalog.types).toHaveLength(2)
    await announce(q.redis, [type('a.b', { timeoutMs: 5 })])
    await q.redis.multi().hdel(catalogKey, 'c.d').zrem(catalogSeenKey, 'c.d').zrem(queuesKey, 'other').exec()
    await Promise.all([catalog.refresh(), catalog.refresh()])
    expect(catalog.types).toEqual([type('a.b', { timeoutMs: 5 })])
    expect(catalog.queues).toEqual(['default'])
  })

  it('sees what was announced before the call, also while an earlier reading is under way', async () => {
    await announce(q.redis, [type('a.b')])
    const catalog = await refreshed()
    // One connection: the reading is asked for before the announcement, and the second one after it.
    const reading = catalog.refresh()
    const announced = announce(q.redis, [type('c.d')])
    await Promise.all([reading, announced, catalog.refresh()])
    expect(catalog.types.map(({ name }) => name)).toEqual(['a.b', 'c.d'])
  })

  it('is not misled by a Redis that lost everything', async () => {
    await announce(q.redis, [type('a.b')])
    const catalog = await refreshed()
    await q.redis.flushdb()
    await announce(q.redis, [type('a.b', { timeoutMs: 5 })])
    await catalog.refresh()
    expect(catalog.types).toEqual([type('a.b', { timeoutMs: 5 })])
  })

  it('finds a type that was announced since it last looked', async () => {
    const catalog = await refreshed()
    await announce(q.redis, [type('a.b')])
    expect(await catalog.find('a.b')).toEqual(type('a.b'))
  })

  it('says which name was probably meant', async () => {
    await announce(q.redis, [type('mail.send', { queue: 'mail' })])
    const catalog = await refreshed()
    const unknown = { code: 'unknown_job_type', status: 404, hint: 'did you mean "mail.send"?' }
    await expect(catalog.find('mail.sned')).rejects.toMatchObject(unknown)
    await expect(catalog.find('something.else')).rejects.toMatchObject({ hint: expect.stringContaining('FOLIOT_JOBS') })
    await expect(catalog.assertQueue('mial')).rejects.toMatchObject({ code: 'not_found', hint: 'did you mean "mail"?' })
    await expect(catalog.assertQueue('../x')).rejects.toMatchObject({
      code: 'not_found',
      hint: expect.stringContaining('GET'),
    })
  })

  it.each(['__proto__', 'constructor', 'toString', ''])('knows no type and no queue called %j', async (name) => {
    await announce(q.redis, [type('a.b')])
    const catalog = await refreshed()
    await expect(catalog.find(name)).rejects.toMatchObject({ code: 'unknown_job_type' })
    await expect(catalog.assertQueue(name)).rejects.toMatchObject({ code: 'not_found' })
  })

  it('accepts a queue that was announced since it last looked', async () => {
    const catalog = await refreshed()
    await announce(q.redis, [type('a.b', { queue: 'mail' })])
    await catalog.assertQueue('mail')
    expect(catalog.queues).toEqual(['mail'])
  })

  it('tells the depth limit of a queue as it was when it last looked', async () => {
    await announce(q.redis, [type('a.b', { queue: 'mail' })])
    const catalog = await refreshed()
    const changeTo = async (maxDepth: number | null): Promise<unknown> => {
      await limitQueue(q.redis, 'mail', { maxDepth })
      await catalog.refresh()
      return catalog.maxDepthOf('mail')
    }
    expect([catalog.maxDepthOf('mail'), catalog.maxDepthOf('constructor')]).toEqual([undefined, undefined])
    expect([await changeTo(5), await changeTo(6), await changeTo(null)]).toEqual([5, 6, undefined])
  })
})
