import { atEndOfFile, testRedisUrl, waitUntil } from '@foliot/testkit'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { flushWrites, gatherWrites } from './gather-writes.ts'

const url = await testRedisUrl()

async function connected(): Promise<Redis> {
  const redis = gatherWrites(new Redis(url, { retryStrategy: () => 10 }))
  atEndOfFile(async () => redis.disconnect())
  await redis.ping()
  return redis
}

/** How often this connection's socket is handed bytes while `use` runs. */
async function writesDuring(redis: Redis, use: () => Promise<unknown>): Promise<number> {
  const { stream } = redis
  const { _writev, _write } = stream
  let writes = 0
  stream._writev = (...args) => {
    writes++
    return _writev?.apply(stream, args)
  }
  stream._write = (...args) => {
    writes++
    return _write.apply(stream, args)
  }
  await use()
  Object.assign(stream, { _writev, _write })
  return writes
}

const all = <T>(count: number, ask: (i: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => ask(i)))

describe('gatherWrites', () => {
  it('sends the commands of one turn in groups of eight', async () => {
    const redis = await connected()
    expect(await writesDuring(redis, () => all(8, () => redis.ping()))).toBe(1)
    expect(await writesDuring(redis, () => all(20, () => redis.ping()))).toBe(3)
  })

  it('sends at once what it is told to', async () => {
    const redis = await connected()
    const writes = await writesDuring(redis, async () => {
      const first = redis.ping()
      flushWrites(redis)
      await Promise.all([first, redis.ping(), redis.ping()])
    })
    expect(writes).toBe(2)
    flushWrites(redis)
    expect(await redis.ping()).toBe('PONG')
  })

  it('keeps their order, and gives each its own answer', async () => {
    const redis = await connected()
    expect(await all(1000, () => redis.incr('count'))).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1))
    const texts = Array.from({ length: 30 }, (_, i) => String(i).repeat(20_000))
    await all(30, (i) => redis.set(`text-${i}`, texts[i] as string))
    expect(await all(30, (i) => redis.get(`text-${i}`))).toEqual(texts)
  })

  it('gathers pipelines and transactions with the rest', async () => {
    const redis = await connected()
    const [, replies, transaction] = await Promise.all([
      redis.set('a', 1),
      redis.pipeline().incr('a').incr('a').exec(),
      redis.multi().incr('a').get('a').exec(),
      redis.ping(),
    ])
    expect(replies).toEqual([
      [null, 2],
      [null, 3],
    ])
    expect(transaction).toEqual([
      [null, 4],
      [null, '4'],
    ])
  })

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    'sends each once more, and whole, if a write fails at once: %i before them',
    async (count) => {
      const redis = await connected()
      redis.on('error', () => undefined)
      const { stream } = redis
      stream._write = (_chunk, _encoding, done) => done(new Error('write EPIPE'))
      stream._writev = (_chunks, done) => done(new Error('write EPIPE'))
      const texts = Array.from({ length: count }, (_, i) => `before ${i}`)
      const replies = await Promise.all([
        Promise.all(texts.map((text) => redis.echo(text))),
        redis.multi().set('b', count).get('b').exec(),
        redis.pipeline().set('c', count).get('c').echo('d').exec(),
      ])
      expect(replies).toEqual([
        texts,
        [
          [null, 'OK'],
          [null, String(count)],
        ],
        [
          [null, 'OK'],
          [null, String(count)],
          [null, 'd'],
        ],
      ])
      expect(await all(3, (i) => redis.echo(`after ${i}`))).toEqual(['after 0', 'after 1', 'after 2'])
    },
  )

  it('goes on after the connection broke with commands held back', async () => {
    const redis = await connected()
    redis.on('error', () => undefined)
    const before = redis.stream
    const lost = redis.ping().catch(() => 'lost')
    redis.stream.destroy()
    expect(['PONG', 'lost']).toContain(await lost)
    expect(await waitUntil(() => redis.ping())).toBe('PONG')
    expect(redis.stream).not.toBe(before)
    expect(await writesDuring(redis, () => all(8, () => redis.ping()))).toBe(1)
  })
})
