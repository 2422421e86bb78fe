import { describe, expect, it } from 'vitest'
import { discardJobs, redriveOf } from '../fixtures/dead-letters.ts'
import { dead, ENDS, openTestQueues, retry, succeed } from '../fixtures/test-queues.ts'
import { deleteEndedJob } from '../jobs/delete-job.ts'
import { toJob } from '../jobs/job-hash.ts'
import { listJobs } from '../jobs/list-jobs.ts'
import { cancelJob, redriveJob, redriveJobs } from '../jobs/moves.ts'
import { endOverdue } from '../jobs/overdue.ts'
import { RETENTION } from '../jobs/retention.ts'
import {
  bullKeys,
  indexKey,
  jobKey,
  logsKey,
  recorderLeaseKey,
  takesKey,
  unkeptDeadKey,
  unkeptKey,
  unrecordedKey,
} from '../keys.ts'
import { startOperation } from '../operations/drive.ts'
import { readQueue } from '../queues/queues.ts'
import { dropOutbox, dropUnkept, holdOutbox, measureOutboxes, readOutbox, takeFromOutbox } from './outbox.ts'

const q = await openTestQueues()
const by = { by: 'test' }

/** A queue with a job that has ended so. */
async function ended(run: (typeof ENDS)[number][1] = succeed): Promise<{ queue: string; id: string }> {
  const queue = q.newQueue()
  const { id } = await q.add(queue, { maxAttempts: 1 })
  const { consumer } = await q.consume(queue, run, { keepsFinished: () => true })
  await q.readWhen(queue, id, ({ finishedAt }) => finishedAt !== undefined)
  await consumer.stop(0)
  return { queue, id }
}

const waiting = async (queue: string): Promise<number> => (await measureOutboxes(q.redis, [queue]))[0]?.waiting ?? -1

const take = async (queue: string): Promise<number> =>
  takeFromOutbox(q.redis, queue, { taken: await readOutbox(q.redis, queue, 10), unkept: [] })

describe('the outbox', () => {
  it.each(ENDS)('holds a job that ended as %s, as it is shown', async (status, run) => {
    const { queue, id } = await ended(run)
    const [entry, ...others] = await readOutbox(q.redis, queue, 10)
    expect(others).toEqual([])
    expect(entry && [entry.id, entry.stored && toJob(entry.stored)]).toEqual([id, await q.read(queue, id)])
    expect((await q.read(queue, id)).status).toBe(status)
  })

  it('holds what was cancelled while it waited, and what died of its deadline', async () => {
    const queue = q.newQueue()
    const cancelled = await q.add(queue)
    await cancelJob(q.redis, { queue, id: cancelled.id }, by)
    const late = await q.add(queue, { deadlineAt: Date.now() - 1 })
    await endOverdue(q.redis, queue)
    const ids = (await readOutbox(q.redis, queue, 10)).map(({ id }) => id)
    expect(ids).toEqual([cancelled.id, late.id])
  })

  it('holds the lines of a log in their order', async () => {
    const { queue, id } = await ended(async (attempt) => {
      for (const line of ['one', 'two']) attempt.log(line)
      await attempt.flushLog()
      return succeed()
    })
    expect(await readOutbox(q.redis, queue, 10)).toMatchObject([{ id, log: ['one', 'two'] }])
  })

  it('holds each field as it is, whatever stands in it', async () => {
    const { queue, id } = await ended()
    const odd = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('')
    const fields = { 's:"\\/': `${odd} \u2028 🎉`, 1: '', long: 'x'.repeat(300_000) }
    await q.redis.hset(jobKey(queue, id), fields)
    const [entry] = await readOutbox(q.redis, queue, 10)
    expect(entry?.stored?.fields).toEqual({ ...(await q.redis.hgetall(jobKey(queue, id))) })
    expect(entry?.stored?.fields).toMatchObject(fields)
  })

  it('holds each job with its own log, however many there are', async () => {
    const queue = q.newQueue()
    const ids = Array.from({ length: 60 }, (_, n) => `job-${n}`)
    for (const [n, id] of ids.entries()) {
      await q.redis.zadd(bullKeys(queue).completed, n, id)
      if (n % 7 > 0) await q.redis.hset(jobKey(queue, id), { data: id })
      if (n % 3 > 0) await q.redis.rpush(logsKey(queue, id), `of ${id}`)
    }
    // No log: its key holds something else.
    await q.redis.set(logsKey(queue, 'job-30'), 'text')
    const read = await readOutbox(q.redis, queue, 100)
    expect(read.map(({ id, stored, log }) => [id, stored?.fields.data, log])).toEqual(
      ids.map((id, n) => [id, n % 7 > 0 ? id : undefined, n % 3 > 0 ? [`of ${id}`] : []]),
    )
  })

  it.each([
    ['alone', (queue: string, id: string) => redriveJobs(q.redis, queue, [id], by)],
    [
      'with others',
      async (queue: string) => (await startOperation(q.redis, redriveOf([queue]), { owner: 'test' })).finished,
    ],
  ])('holds no dead letter that was redriven since, %s', async (_, redrive) => {
    const { queue, id } = await ended(async () => dead('no'))
    expect(await waiting(queue)).toBe(1)
    await redrive(queue, id)
    expect([(await q.read(queue, id)).status, await waiting(queue)]).toEqual(['queued', 0])
  })

  it('gives those that ended first, so many at a time', async () => {
    const queue = q.newQueue()
    const { consumer } = await q.consume(queue, succeed)
    const added: string[] = []
    for (let n = 0; n < 5; n++) {
      const { id } = await q.add(queue)
      await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
      added.push(id)
    }
    await consumer.stop(0)
    const scored = added.flatMap((id, i) => [1000 + i, id])
    await q.redis.zadd(bullKeys(queue).completed, ...scored)
    expect((await readOutbox(q.redis, queue, 2)).map(({ id }) => id)).toEqual(added.slice(0, 2))
    const passed = { size: 2, has: ({ id }: { id: string }) => id === added[0] || id === added[2] }
    expect((await readOutbox(q.redis, queue, 2, passed)).map(({ id }) => id)).toEqual([added[1], added[3]])
    expect(await measureOutboxes(q.redis, [queue, q.newQueue()])).toEqual([
      { queue, waiting: 5, oldestAt: 1000 },
      { queue: expect.any(String), waiting: 0, oldestAt: undefined },
    ])
  })
})

describe('takeFromOutbox', () => {
  it('removes a finished job with all that belongs to it', async () => {
    const { queue, id } = await ended(async (attempt) => {
      attempt.log('line')
      await attempt.flushLog()
      return succeed()
    })
    expect(await take(queue)).toBe(1)
    expect(await q.redis.exists(jobKey(queue, id), logsKey(queue, id), indexKey(queue))).toBe(0)
    expect(await waiting(queue)).toBe(0)
  })

  it('counts what it removed with the finished jobs of the queue', async () => {
    const { queue } = await ended()
    await ended(async () => dead('no'))
    const count = async () => (await readQueue(q.redis, queue)).counts.succeeded
    expect(await count()).toBe(1)
    await take(queue)
    expect([await count(), await q.redis.llen(takesKey(queue))]).toEqual([1, 1])
  })

  it('leaves a dead letter to be redriven, and holds it again when it died again', async () => {
    const { queue, id } = await ended(async () => dead('no'))
    await take(queue)
    expect([await waiting(queue), (await q.read(queue, id)).status]).toEqual([0, 'failed'])
    const isListed = async () => (await q.redis.zscore(indexKey(queue), id)) !== null
    // The history lists it as it was; once it is redriven it is another again.
    expect(await isListed()).toBe(false)
    await redriveJob(q.redis, { queue, id }, by)
    expect(await isListed()).toBe(true)
    const { consumer } = await q.consume(queue, async () => dead('no again'))
    await q.readWhen(queue, id, ({ error }) => error?.message === 'no again')
    await consumer.stop(0)
    expect(await readOutbox(q.redis, queue, 10)).toMatchObject([{ id, stored: { fields: { ats: '2' } } }])
  })

  it('leaves what ended anew since it was read', async () => {
    const { queue, id } = await ended(async () => dead('no'))
    const read = await readOutbox(q.redis, queue, 10)
    await q.redis.zadd(unrecordedKey(queue), Number(read[0]?.score) + 1, id)
    expect(await takeFromOutbox(q.redis, queue, { taken: read, unkept: [] })).toBe(0)
    expect(await waiting(queue)).toBe(1)
  })

  it('takes a dead letter that was put aside from where it is then', async () => {
    const { queue, id } = await ended(async () => dead('no'))
    await discardJobs(q.redis, queue, [id], by)
    expect(await take(queue)).toBe(1)
    expect([await waiting(queue), await q.redis.exists(jobKey(queue, id))]).toEqual([0, 0])
  })

  it('clears away entries whose job is gone, or whose key holds something else', async () => {
    const { queue, id } = await ended()
    const text = '0198c0de-0000-7000-8000-000000000000'
    await q.redis.set(jobKey(queue, text), 'text')
    await q.redis.zadd(bullKeys(queue).completed, 1, text)
    await q.redis.del(jobKey(queue, id))
    const read = await readOutbox(q.redis, queue, 10)
    expect(read.map(({ stored }) => stored)).toEqual([undefined, undefined])
    await takeFromOutbox(q.redis, queue, { taken: read, unkept: [] })
    expect(await waiting(queue)).toBe(0)
  })

  it('does nothing for nothing', async () => {
    expect(await takeFromOutbox(q.redis, q.newQueue(), { taken: [], unkept: [] })).toBe(0)
  })
})

/** A queue with a dead letter that the recorder was told not to keep. */
async function unkeptDeadLetter(): Promise<{ queue: string; id: string }> {
  const job = await ended(async () => dead('no'))
  await takeFromOutbox(q.redis, job.queue, { taken: [], unkept: await readOutbox(q.redis, job.queue, 10) })
  return job
}

/** Ids of the dead letters that a list has from Redis where there is a history. */
async function deadIn(queue: string): Promise<string[]> {
  const search = { queues: [queue], statuses: ['failed' as const] }
  const { items } = await listJobs(q.redis, search, 10, undefined, 'not in history')
  return items.map(({ id }) => id)
}

describe('what no history keeps', () => {
  it('is out of the outbox, can be read and listed, and goes when it is past its time', async () => {
    const { queue, id } = await ended()
    expect(await takeFromOutbox(q.redis, queue, { taken: [], unkept: await readOutbox(q.redis, queue, 10) })).toBe(1)
    expect([await waiting(queue), (await q.read(queue, id)).status]).toEqual([0, 'succeeded'])
    expect((await readQueue(q.redis, queue)).counts.succeeded).toBe(1)
    const { items } = await listJobs(q.redis, { queues: [queue], statuses: ['succeeded'] }, 10)
    expect(items).toMatchObject([{ id }])
    expect(await dropUnkept(q.redis, queue)).toBe(0)
    await q.redis.zincrby(unkeptKey(queue), -(RETENTION.completed.age + 60) * 1000, id)
    expect(await dropUnkept(q.redis, queue)).toBe(1)
    expect(await q.redis.exists(jobKey(queue, id), indexKey(queue), unkeptKey(queue))).toBe(0)
  })

  it('goes, a bounded number at a time, when it is too many', async () => {
    const queue = q.newQueue()
    const now = Date.now()
    const ids = Array.from({ length: RETENTION.completed.count + 700 }, (_, i) => [now + i, `id-${i}`]).flat()
    await q.redis.zadd(unkeptKey(queue), ...ids)
    expect([await dropUnkept(q.redis, queue), await dropUnkept(q.redis, queue)]).toEqual([500, 200])
    expect(await q.redis.zrange(unkeptKey(queue), '0', '0')).toEqual(['id-700'])
  })

  it('stays a dead letter, and is listed as one that no history has', async () => {
    const { queue, id } = await unkeptDeadLetter()
    expect([await waiting(queue), await q.redis.zcard(unkeptKey(queue))]).toEqual([0, 0])
    expect((await q.read(queue, id)).status).toBe('failed')
    expect(await deadIn(queue)).toEqual([id])
  })

  it.each([
    ['redriven', (queue: string, id: string) => redriveJobs(q.redis, queue, [id], by)],
    ['put aside', (queue: string, id: string) => discardJobs(q.redis, queue, [id], by)],
    ['deleted', (queue: string, id: string) => deleteEndedJob(q.redis, { queue, id })],
  ])('is no such dead letter once it is %s', async (_, move) => {
    const { queue, id } = await unkeptDeadLetter()
    await move(queue, id)
    expect(await q.redis.exists(unkeptDeadKey(queue))).toBe(0)
  })

  it('is no such dead letter once it has left Redis', async () => {
    const { queue } = await unkeptDeadLetter()
    const left = Array.from({ length: 600 }, (_, i) => [i, `id-${i}`]).flat()
    await q.redis.zadd(unkeptDeadKey(queue), ...left)
    const counts: number[] = []
    for (let looks = 0; looks < 3; looks++) {
      expect(await dropUnkept(q.redis, queue)).toBe(0)
      counts.push(await q.redis.zcard(unkeptDeadKey(queue)))
    }
    expect(counts).toEqual([101, 1, 1])
  })
})

describe('a consumer', () => {
  it('keeps all that finishes while it is to be kept', async () => {
    const queue = q.newQueue()
    const { completed } = bullKeys(queue)
    // Past its time, so that the end of any job would remove it.
    await q.redis.zadd(completed, 1, 'old')
    let keeps = true
    const { consumer } = await q.consume(queue, succeed, { keepsFinished: () => keeps })
    const first = await q.add(queue)
    await q.readWhen(queue, first.id, ({ status }) => status === 'succeeded')
    expect(await q.redis.zscore(completed, 'old')).toBe('1')
    keeps = false
    const second = await q.add(queue)
    await q.readWhen(queue, second.id, ({ status }) => status === 'succeeded')
    expect(await q.redis.zscore(completed, 'old')).toBeNull()
    await consumer.stop(0)
  })

  it('lists no attempt that will be followed by another as an end', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    const { consumer } = await q.consume(queue, async () => retry(60_000))
    await q.readWhen(queue, id, ({ status }) => status === 'retrying')
    await consumer.stop(0)
    expect(await waiting(queue)).toBe(0)
  })
})

describe('the right to empty an outbox', () => {
  it('is one process’s at a time, which can renew it and give it up', async () => {
    const queue = q.newQueue()
    expect(await holdOutbox(q.redis, queue, 'a', 60_000)).toBe(true)
    expect(await holdOutbox(q.redis, queue, 'b', 60_000)).toBe(false)
    await q.redis.pexpire(recorderLeaseKey(queue), 1000)
    expect(await holdOutbox(q.redis, queue, 'a', 60_000)).toBe(true)
    expect(await q.redis.pttl(recorderLeaseKey(queue))).toBeGreaterThan(1000)
    await dropOutbox(q.redis, queue, 'b')
    expect(await holdOutbox(q.redis, queue, 'b', 60_000)).toBe(false)
    await dropOutbox(q.redis, queue, 'a')
    expect(await holdOutbox(q.redis, queue, 'b', 60_000)).toBe(true)
  })
})
