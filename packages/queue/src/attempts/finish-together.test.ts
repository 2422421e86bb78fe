import { describe, expect, it } from 'vitest'
import { startTcpProxy } from '../fixtures/tcp-proxy.ts'
import { ENDS, openTestQueues } from '../fixtures/test-queues.ts'
import { bullKeys, jobKey, lockKey } from '../keys.ts'
import { SCRIPTS, shaOf } from '../redis/scripts.ts'
import type { ConsumerOptions } from './consumer.ts'

const q = await openTestQueues()
// Else the answer that gets lost may be that Redis does not know the script.
for (const text of Object.values(SCRIPTS)) await q.redis.script('LOAD', text)

/** Adds so many jobs and has their attempts begin one after the other, and end in one turn of the event loop. */
async function endTogether(
  count: number,
  {
    at = q,
    before = async () => undefined,
    run = async () => ({ kind: 'succeeded', output: 'null' }),
    ...options
  }: Partial<ConsumerOptions> & { at?: typeof q; before?: (ids: string[], queue: string) => Promise<unknown> } = {},
) {
  const queue = q.newQueue()
  const ids: string[] = []
  for (let n = 0; n < count; n++) ids.push((await q.add(queue, { input: n, maxAttempts: 1 })).id)
  const gate = Promise.withResolvers<void>()
  const allBegun = Promise.withResolvers<void>()
  let begun = 0
  const consumer = await at.consume(
    queue,
    async (attempt) => {
      if (++begun === count) allBegun.resolve()
      await gate.promise
      return run(attempt)
    },
    { concurrency: count, ...options },
  )
  await allBegun.promise
  await before(ids, queue)
  gate.resolve()
  return { queue, ids, ...consumer }
}

describe('jobs whose attempts end in the same turn', () => {
  it('are ended by one script for eight of them', async () => {
    const at = await openTestQueues(q.url)
    const { redis } = at
    let scripts = 0
    const send = redis.sendCommand.bind(redis)
    const { queue, ids } = await endTogether(20, {
      at,
      before: async () => {
        redis.sendCommand = (...args: Parameters<typeof send>) => {
          if (String(args[0].toWritable(redis.stream)).includes(shaOf('finish'))) scripts++
          return send(...args)
        }
      },
    })
    for (const id of ids) await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    expect(scripts).toBe(3)
  })

  it('end each in its own way, and each asks for a job to follow', async () => {
    const ends = [...ENDS, ...ENDS, ...ENDS]
    let n = 0
    const more: string[] = []
    const { queue, ids, errors } = await endTogether(ends.length, {
      before: async (_, queue) => {
        for (let i = 0; i < 5; i++) more.push((await q.add(queue)).id)
      },
      run: (attempt) => (ends[n++] ?? (ends[0] as (typeof ends)[number]))[1](attempt),
    })
    for (const id of more) await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    const statuses = await Promise.all(
      ids.map((id) => q.readWhen(queue, id, ({ finishedAt }) => finishedAt !== undefined).then(({ status }) => status)),
    )
    expect(statuses.sort()).toEqual(ends.map(([status]) => status).sort())
    expect(await q.redis.llen(bullKeys(queue).active)).toBe(0)
    expect(errors).toEqual([])
  })

  it('do not suffer from one of which another has the job', async () => {
    const lost: string[] = []
    const { queue, ids, errors } = await endTogether(8, {
      before: async ([, , theirs], queue) => {
        await q.redis.set(lockKey(queue, theirs as string), 'theirs')
        await q.redis.hset(jobKey(queue, theirs as string), 'ats', 2)
      },
      onLost: ({ id }) => void lost.push(id),
    })
    const [theirs, ...others] = [ids[2] as string, ...ids.filter((_, i) => i !== 2)]
    for (const id of others) await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    await expect.poll(() => lost).toEqual([theirs])
    expect(await q.read(queue, theirs)).toMatchObject({ status: 'running', attempt: 2 })
    expect(errors).toEqual([])
  })

  it('do not suffer from one on which the script stumbles', async () => {
    const { queue, ids, errors } = await endTogether(8, {
      before: ([, , broken], queue) => q.redis.hset(jobKey(queue, broken as string), 'parent', '{'),
    })
    for (const id of ids.filter((_, i) => i !== 2)) {
      await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    }
    await expect
      .poll(() => errors.map(({ message }) => message))
      .toContainEqual(expect.stringContaining('Expected object key'))
  })

  it('are ended once, and none is lost, if the answer gets lost', async () => {
    const url = new URL(q.url)
    const proxy = await startTcpProxy(Number(url.port))
    url.port = String(proxy.port)
    const lost: string[] = []
    const { queue, ids, consumer } = await endTogether(8, {
      at: await openTestQueues(url.href),
      before: async () => proxy.loseAnswers(),
      onLost: ({ id }) => void lost.push(id),
    })
    const ended = await Promise.all(ids.map((id) => q.readWhen(queue, id, ({ status }) => status === 'succeeded')))
    proxy.cut()
    await consumer.stop(20_000)
    expect(lost).toEqual([])
    expect(await Promise.all(ids.map((id) => q.read(queue, id)))).toEqual(ended)
  })
})
