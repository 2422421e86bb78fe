import { atEndOfFile, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { openTestQueues } from '../fixtures/test-queues.ts'
import { bullKeys } from '../keys.ts'
import { EventFeed, type FeedListener } from './event-feed.ts'
import { comparePositions } from './event-position.ts'
import { readEventsAfter } from './read-events.ts'

const q = await openTestQueues()

function newFeed(): EventFeed {
  const feed = new EventFeed(q.redis)
  atEndOfFile(async () => feed.stop())
  return feed
}

/** Puts events with numbers into the stream of a queue. */
async function tell(queue: string, from: number, to: number): Promise<void> {
  const writes = q.redis.pipeline()
  for (let n = from; n <= to; n++) writes.xadd(bullKeys(queue).events, '*', 'event', 'test', 'n', String(n))
  await writes.exec()
}

/** A listener that keeps what it hears. */
function newListener() {
  const heard: number[] = []
  const ended = Promise.withResolvers<void>()
  let gaps = 0
  const listener: FeedListener = {
    onEvent: ({ fields }) => void heard.push(Number(fields.n)),
    onGap: () => void gaps++,
    onEnd: () => ended.resolve(),
  }
  return { listener, heard, ended: ended.promise, gaps: () => gaps }
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('EventFeed', () => {
  it('tells each listener of every event behind its start, in order', async () => {
    const queue = q.newQueue()
    const feed = newFeed()
    await tell(queue, 1, 5)
    const [one, two] = [newListener(), newListener()]
    const first = await feed.listen(queue, one.listener)
    expect((await readEventsAfter(q.redis, queue, '0-0', 10)).events.at(-1)?.id).toBe(first.from)
    await tell(queue, 6, 2500)
    const second = await feed.listen(queue, two.listener)
    await tell(queue, 2501, 2600)
    await waitUntil(() => one.heard.at(-1) === 2600 && two.heard.at(-1) === 2600)
    expect(one.heard).toEqual(numbers(6, 2600))
    // Between what it heard and what was there before is nothing, and nothing is in both.
    const before = (await readEventsAfter(q.redis, queue, '0-0', 5000)).events
    const missed = before.filter(({ id }) => comparePositions(id, second.from) <= 0)
    expect([...missed.map(({ fields }) => Number(fields.n)), ...two.heard]).toEqual(numbers(1, 2600))
    expect([one.gaps(), two.gaps()]).toEqual([0, 0])
    first.release()
    second.release()
  })

  it('tells nobody who was released', async () => {
    const queue = q.newQueue()
    const feed = newFeed()
    const [one, two] = [newListener(), newListener()]
    const { release } = await feed.listen(queue, one.listener)
    await feed.listen(queue, two.listener)
    release()
    release()
    await tell(queue, 1, 1)
    await waitUntil(() => two.heard.length === 1)
    expect(one.heard).toEqual([])
  })

  it('says that events may be lost when the stream was trimmed before they were read', async () => {
    const queue = q.newQueue()
    const { listener, heard, gaps } = newListener()
    await newFeed().listen(queue, listener)
    await tell(queue, 1, 10)
    await waitUntil(() => heard.length === 10)
    const writes = q.redis.multi()
    for (let n = 11; n <= 3000; n++) writes.xadd(bullKeys(queue).events, '*', 'event', 'test', 'n', String(n))
    await writes.xtrim(bullKeys(queue).events, 'MAXLEN', 2000).exec()
    await waitUntil(() => heard.at(-1) === 3000)
    expect([gaps(), heard.slice(10)]).toEqual([1, numbers(1001, 3000)])
  })

  it('tells of its end when it is stopped, and when the stream cannot be read', async () => {
    const queue = q.newQueue()
    const [one, two] = [newListener(), newListener()]
    const feed = newFeed()
    await feed.listen(queue, one.listener)
    feed.stop()
    await one.ended
    await newFeed().listen(queue, two.listener)
    await q.redis.multi().del(bullKeys(queue).events).set(bullKeys(queue).events, 'no stream').exec()
    await two.ended
    await expect(newFeed().listen(queue, one.listener)).rejects.toThrow('WRONGTYPE')
  })
})

describe('readEventsAfter', () => {
  it('says when events behind a position are gone, or the position is', async () => {
    const queue = q.newQueue()
    const read = (after: string) => readEventsAfter(q.redis, queue, after, 1000)
    expect(await read('0-0')).toEqual({ events: [], isGap: false, isBeyond: false })
    await tell(queue, 1, 10)
    const { events, isGap } = await read('0-0')
    expect([events.length, isGap]).toEqual([10, false])
    const at = (n: number): string => events[n - 1]?.id as string
    expect(await read(at(4))).toEqual({ events: events.slice(4), isGap: false, isBeyond: false })
    await q.redis.xtrim(bullKeys(queue).events, 'MAXLEN', 5)
    expect(await read(at(4))).toEqual({ events: events.slice(5), isGap: true, isBeyond: false })
    expect(await read(at(6))).toEqual({ events: events.slice(6), isGap: false, isBeyond: false })
    expect(await read(`${Date.now() + 3_600_000}-0`)).toEqual({ events: [], isGap: true, isBeyond: true })
  })
})
