import { newJobId } from '@foliot/jobs'
import { waitUntil } from '@foliot/testkit'
import type { Redis } from 'ioredis'
import { beforeEach, describe, expect, it } from 'vitest'
import { redriveOf, withDeadLetters } from '../fixtures/dead-letters.ts'
import { dead, openTestQueues, succeed } from '../fixtures/test-queues.ts'
import { bullKeys, jobKey, operationKey, operationLeasesKey } from '../keys.ts'
import { readQueue, resumeQueue } from '../queues/queues.ts'
import { driveOperation, type JobMaker, RATIO_MIN_FINISHED, startOperation } from './drive.ts'
import { type OperationLease, takeOperation } from './lease.ts'
import type { Operation, OperationRequest } from './operation.ts'
import { createOperation, pauseOperation, readOperation, resumeOperation } from './record.ts'

const q = await openTestQueues()
const owner = 'test'

// What a test leaves to be looked after is not taken in the next one.
beforeEach(async () => void (await q.redis.del(operationLeasesKey)))

async function run(request: OperationRequest): Promise<Operation> {
  return (await startOperation(q.redis, request, { owner })).finished
}

const counts = async (queue: string) => (await readQueue(q.redis, queue)).counts

/** How often each of these jobs was redriven. */
async function redriven(queue: string, ids: readonly string[]): Promise<number[]> {
  const pipeline = q.redis.pipeline()
  for (const id of ids) pipeline.hget(jobKey(queue, id), 'ev')
  return ((await pipeline.exec()) ?? []).map(([, ev]) => String(ev).split('"event":"redriven"').length - 1)
}

const times = <T>(count: number, each: T): T[] => Array.from({ length: count }, () => each)

/** Lets somebody else take it now, as if its driver had not been heard of for as long as its lease lasts. */
async function takeOver({ id }: { id: string }): Promise<OperationLease> {
  await q.redis.zadd(operationLeasesKey, 1, id)
  return waitUntil(() => takeOperation(q.redis, 'another'))
}

/** The last state that somebody sees who looks after operations as a process does. */
function lookAfter(id: string, fits: (operation: Operation) => boolean): Promise<Operation> {
  return waitUntil(
    async () => {
      const lease = await takeOperation(q.redis, 'another')
      if (lease) await driveOperation(q.redis, lease)
      const operation = await readOperation(q.redis, id)
      return fits(operation) ? operation : undefined
    },
    { timeoutMs: 20_000 },
  )
}

describe('startOperation', () => {
  it('redrives every dead letter of its queues, and can be read from the start', async () => {
    const [a, b] = [await withDeadLetters(q, 1003), await withDeadLetters(q, 3)]
    const request = redriveOf([a.queue, b.queue])
    const { operation, finished } = await startOperation(q.redis, request, { owner })
    expect(operation).toMatchObject({ kind: 'redrive', state: 'running', dryRun: false, matched: 0, moved: 0 })
    expect(await readOperation(q.redis, operation.id)).toMatchObject({ id: operation.id, kind: 'redrive' })
    const last = await finished
    expect(last).toMatchObject({ state: 'completed', matched: 1006, moved: 1006, finishedAt: expect.any(String) })
    expect(last.sample).toHaveLength(10)
    expect([...a.ids, ...b.ids]).toEqual(expect.arrayContaining(last.sample))
    expect([await counts(a.queue), await counts(b.queue)]).toMatchObject([
      { queued: 1003, failed: 0 },
      { queued: 3, failed: 0 },
    ])
    expect((await q.read(a.queue, a.ids[0] as string)).timeline.at(-1)).toMatchObject({
      event: 'redriven',
      detail: 'by test: mended',
    })
  })

  it('discards those that fit the filter', async () => {
    const { queue, ids } = await withDeadLetters(q, 4)
    const wanted = new Set([ids[1] as string, ids[3] as string, newJobId(Date.now())])
    const last = await run(redriveOf([], { kind: 'discard', filter: { queues: [queue], ids: wanted } }))
    expect(last).toMatchObject({ kind: 'discard', state: 'completed', matched: 2, moved: 2 })
    expect(await counts(queue)).toMatchObject({ failed: 2, queued: 0 })
    expect((await q.read(queue, ids[1] as string)).discardedAt).toBeDefined()
    expect((await q.read(queue, ids[0] as string)).discardedAt).toBeUndefined()
  })

  it('only counts and shows in a dry run, however it is to be done', async () => {
    const { queue, ids } = await withDeadLetters(q, 103)
    const last = await run(redriveOf([queue], { dryRun: true, ratePerSecond: 1, stopOnFailureRatio: 0 }))
    expect(last).toMatchObject({ state: 'completed', dryRun: true, matched: 103, moved: 0, finished: 0 })
    expect(last.sample).toHaveLength(10)
    expect(ids).toEqual(expect.arrayContaining(last.sample))
    expect(await counts(queue)).toMatchObject({ failed: 103, queued: 0 })
  })

  it('matches nothing where nothing fits', async () => {
    const { queue } = await withDeadLetters(q, 1)
    const last = await run(redriveOf([], { filter: { queues: [queue], type: 'test.other' } }))
    expect(last).toMatchObject({ state: 'completed', matched: 0, moved: 0, sample: [] })
  })

  it('does not meet twice a job that dies again while it goes on', async () => {
    const { queue } = await withDeadLetters(q, 1100)
    await resumeQueue(q.redis, queue)
    const died = new Map<string, number>()
    await q.consume(
      queue,
      async ({ claim }) => {
        died.set(claim.id, (died.get(claim.id) ?? 0) + 1)
        return dead('again')
      },
      { concurrency: 50, redis: q.connect() },
    )
    expect(await run(redriveOf([queue]))).toMatchObject({ state: 'completed', matched: 1100, moved: 1100 })
    await waitUntil(async () => (await counts(queue)).failed === 1100)
    expect(new Set(died.values())).toEqual(new Set([1]))
  })

  it('shares the work with another that goes on at the same time', async () => {
    const { queue, ids } = await withDeadLetters(q, 1100)
    const both = await Promise.all([run(redriveOf([queue])), run(redriveOf([queue]))])
    expect(both.reduce((sum, { moved }) => sum + moved, 0)).toBe(1100)
    expect(await counts(queue)).toMatchObject({ failed: 0, queued: 1100 })
    expect(await redriven(queue, ids)).toEqual(times(1100, 1))
  })

  it('has redriven jobs run', async () => {
    const { queue, ids } = await withDeadLetters(q, 2)
    await resumeQueue(q.redis, queue)
    await q.consume(queue, succeed)
    await run(redriveOf([queue]))
    for (const id of ids) {
      expect(await q.readWhen(queue, id, ({ status }) => status === 'succeeded')).toMatchObject({
        attempt: 2,
        attemptsUsed: 0,
      })
    }
  })

  it('tells why it failed, and what was moved by then', async () => {
    const [good, bad] = [await withDeadLetters(q, 2), q.newQueue()]
    await q.redis.set(bullKeys(bad).failed, 'no set')
    const last = await run(redriveOf([good.queue, bad]))
    expect(last).toMatchObject({
      state: 'failed',
      matched: 2,
      moved: 2,
      error: expect.stringContaining('WRONGTYPE'),
      finishedAt: expect.any(String),
    })
    expect(last.queues.map(({ done }) => done)).toEqual([true, false])
  })
})

describe('an operation with a rate', () => {
  it('moves no more than that in a second', async () => {
    const { queue, ids } = await withDeadLetters(q, 30)
    expect(await run(redriveOf([queue], { ratePerSecond: 20 }))).toMatchObject({ moved: 30, ratePerSecond: 20 })
    const moves = await Promise.all(ids.map(async (id) => (await q.read(queue, id)).timeline.at(-1)))
    const at = moves.map((move) => Date.parse(move?.at as string)).sort((a, b) => a - b)
    for (const [i, first] of at.entries()) {
      // One step, and what a late one may make up for, come on top.
      const later = at[i + 25]
      if (later !== undefined) expect(later - first).toBeGreaterThanOrEqual(1000)
    }
  })
})

describe('a paused operation', () => {
  it('is gone on with where it was, once it is resumed', async () => {
    const { queue, ids } = await withDeadLetters(q, 60)
    const { operation, finished } = await startOperation(q.redis, redriveOf([queue], { ratePerSecond: 50 }), { owner })
    await waitUntil(async () => (await readOperation(q.redis, operation.id)).moved > 0)
    const paused = await pauseOperation(q.redis, operation.id)
    expect(paused).toMatchObject({ state: 'paused', matched: paused.moved })
    expect(paused.moved).toBeLessThan(60)
    // Its driver is told so at its next step, and leaves it.
    await finished
    expect(await readOperation(q.redis, operation.id)).toMatchObject({ state: 'paused', moved: paused.moved })
    expect(await counts(queue)).toMatchObject({ queued: paused.moved, failed: 60 - paused.moved })

    // Who takes it meanwhile moves nothing.
    await driveOperation(q.redis, await takeOver(operation))
    expect(await readOperation(q.redis, operation.id)).toMatchObject({ state: 'paused', moved: paused.moved })

    await resumeOperation(q.redis, operation.id)
    const last = await lookAfter(operation.id, ({ state }) => state !== 'running')
    expect(last).toMatchObject({ state: 'completed', matched: 60, moved: 60 })
    expect(await redriven(queue, ids)).toEqual(times(60, 1))
  })
})

describe('an operation whose driver is gone', () => {
  it('is gone on with, and no job is lost, moved twice or counted twice, wherever it broke off', async () => {
    const { queue, ids } = await withDeadLetters(q, 1600)
    const { lease, operation } = await createOperation(q.redis, redriveOf([queue]), owner)
    let held: OperationLease | undefined = lease
    let drives = 0
    for (; held; drives++) {
      const connection = q.connect()
      await connection.ping()
      const driven = driveOperation(cutAfter(connection, 2 + ((7 * drives) % 5)), held).then(
        () => 'ended',
        () => 'broken off',
      )
      if ((await driven) === 'ended') break
      held = await takeOver(operation)
    }
    expect(drives).toBeGreaterThan(2)
    const last = await readOperation(q.redis, operation.id)
    expect(last).toMatchObject({ state: 'completed', matched: 1600, moved: 1600 })
    expect(last.sample).toHaveLength(10)
    expect(await counts(queue)).toMatchObject({ queued: 1600, failed: 0 })
    expect(await redriven(queue, ids)).toEqual(times(1600, 1))
  })

  it('moves nothing more once somebody else has it', async () => {
    const { queue, ids } = await withDeadLetters(q, 1000)
    const { operation, finished } = await startOperation(q.redis, redriveOf([queue], { ratePerSecond: 1000 }), {
      owner,
    })
    // Both believe that it is theirs: the first has not heard of the second.
    await waitUntil(async () => (await readOperation(q.redis, operation.id)).moved > 0)
    await driveOperation(q.redis, await takeOver(operation))
    await finished
    const last = await readOperation(q.redis, operation.id)
    expect(last).toMatchObject({ state: 'completed', matched: 1000, moved: 1000 })
    expect(await redriven(queue, ids)).toEqual(times(1000, 1))
  })

  it('is left to whoever asks first when it is given back', async () => {
    const { queue } = await withDeadLetters(q, 20)
    const stopping = new AbortController()
    const driver = { owner, signal: stopping.signal }
    const { operation, finished } = await startOperation(q.redis, redriveOf([queue], { ratePerSecond: 1 }), driver)
    stopping.abort()
    expect((await finished).state).toBe('running')
    const lease = (await takeOperation(q.redis, 'another')) as OperationLease
    expect(lease.id).toBe(operation.id)
  })
})

describe('an operation that stops on failures', () => {
  it('stops by itself when too many die again, long before all are moved', async () => {
    const { queue } = await withDeadLetters(q, 300)
    await resumeQueue(q.redis, queue)
    await q.consume(queue, async () => dead('still no luck'), { concurrency: 10, redis: q.connect() })
    const last = await run(redriveOf([queue], { stopOnFailureRatio: 0.5 }))
    expect(last).toMatchObject({ state: 'stopped', stopOnFailureRatio: 0.5, finishedAt: expect.any(String) })
    expect(last.error).toMatch(/^\d+ of \d+ redriven jobs that have ended died again, a share above 0\.5$/)
    expect(last.finished).toBeGreaterThanOrEqual(RATIO_MIN_FINISHED)
    expect(last.moved).toBeLessThan(150)
    expect(last.queues[0]?.done).toBe(false)
  })

  it('does not stop for a share that is no greater, and gets done', async () => {
    const { queue } = await withDeadLetters(q, 300)
    await resumeQueue(q.redis, queue)
    const oneInFourDies = async ({ claim }: { claim: { input: unknown } }) =>
      Number(claim.input) % 4 === 0 ? dead('still no luck') : succeed()
    await q.consume(queue, oneInFourDies, { concurrency: 10, redis: q.connect() })
    const last = await run(redriveOf([queue], { stopOnFailureRatio: 0.6 }))
    expect(last).toMatchObject({ state: 'completed', matched: 300, moved: 300 })
    expect(await lookAfter(last.id, ({ finished }) => finished === 300)).toMatchObject({ failedAgain: 75 })
  })

  it('waits for redriven jobs to end, with few under way, and is not held up by what is gone', async () => {
    const { queue, ids } = await withDeadLetters(q, 100)
    const request = redriveOf([queue], { stopOnFailureRatio: 1 })
    const { operation, finished } = await startOperation(q.redis, request, { owner })
    const first = 2 * RATIO_MIN_FINISHED
    await waitUntil(async () => (await readOperation(q.redis, operation.id)).moved >= first)
    expect(await counts(queue)).toMatchObject({ queued: first, failed: 100 - first })
    await q.redis.del(...ids.map((id) => jobKey(queue, id)))
    expect(await finished).toMatchObject({ state: 'completed', finished: expect.any(Number), failedAgain: 0 })
  })
})

describe('a backfill', () => {
  const TIMES = Array.from({ length: 30 }, (_, hour) => Date.UTC(2026, 0, 1, hour))
  const backfillOf = (more: Partial<OperationRequest> = {}): OperationRequest => {
    const filter = { queues: [q.newQueue()], tenant: 'acme' }
    return { kind: 'backfill', filter, dryRun: false, reason: { by: 'test' }, plan: { of: 'hours' }, ...more }
  }

  it('has its jobs made part by part, waits when it is told to, and counts them', async () => {
    const asked: unknown[] = []
    const makeJobs: JobMaker = async ({ request }, afterMs, count) => {
      const rest = TIMES.filter((time) => afterMs === undefined || time > afterMs)
      const times = asked.length % 2 === 0 ? rest.slice(0, Math.min(count, 20)) : []
      asked.push([request.plan, afterMs, times.length])
      return { times, done: times.length === rest.length, waitMs: times.length === 0 ? 10 : 0 }
    }
    const { operation, finished } = await startOperation(q.redis, backfillOf(), { owner, makeJobs })
    expect(operation).toMatchObject({ kind: 'backfill', state: 'running', moved: 0 })
    const last = await finished
    expect(last).toMatchObject({ state: 'completed', matched: 30, moved: 30, finished: 0 })
    expect(last.sample).toEqual(TIMES.slice(0, 10).map((time) => new Date(time).toISOString()))
    expect(last.queues[0]?.cursor).toBe(new Date(TIMES[29] as number).toISOString())
    expect(asked).toEqual([
      [{ of: 'hours' }, undefined, 20],
      [{ of: 'hours' }, TIMES[19], 0],
      [{ of: 'hours' }, TIMES[19], 10],
    ])
    await expect(readOperation(q.redis, operation.id, 'globex')).rejects.toThrow(/no operation/)
  })

  it('is gone on with by another, who is asked again for what nobody has counted', async () => {
    const asked: (number | undefined)[] = []
    const makeJobs: JobMaker = async (_, afterMs) => {
      asked.push(afterMs)
      const next = TIMES.find((time) => afterMs === undefined || time > afterMs)
      // The first driver loses its lease between having jobs made and counting them.
      if (asked.length === 2) await pauseOperation(q.redis, operation.id)
      return { times: next === undefined ? [] : [next], done: next === undefined, waitMs: 0 }
    }
    const request = backfillOf()
    const { operation, lease } = await createOperation(q.redis, request, owner)
    await driveOperation(q.redis, lease, { makeJobs })
    expect(await readOperation(q.redis, operation.id)).toMatchObject({ state: 'paused', moved: 1 })
    await resumeOperation(q.redis, operation.id)
    await driveOperation(q.redis, await takeOver(operation), { makeJobs })
    expect(await readOperation(q.redis, operation.id)).toMatchObject({ state: 'completed', matched: 30, moved: 30 })
    expect(asked).toEqual([undefined, TIMES[0], TIMES[0], ...TIMES.slice(1)])
  })

  it('fails if what makes its jobs does, and says why', async () => {
    const makeJobs: JobMaker = async () => {
      throw new Error('nobody has announced the type')
    }
    const { finished } = await startOperation(q.redis, backfillOf(), { owner, makeJobs })
    expect(await finished).toMatchObject({ state: 'failed', error: 'nobody has announced the type' })
  })
})

describe('an operation that has ended', () => {
  it('is looked after until it is known what became of every job', async () => {
    const { queue, ids } = await withDeadLetters(q, 40)
    const { id } = await run(redriveOf([queue]))
    expect(await readOperation(q.redis, id)).toMatchObject({ state: 'completed', moved: 40, finished: 0 })
    await resumeQueue(q.redis, queue)
    const { consumer } = await q.consume(queue, async ({ claim }) =>
      Number(claim.input) % 2 === 0 ? dead('again') : succeed(),
    )
    await waitUntil(async () => (await counts(queue)).queued === 0)
    await consumer.stop(1000)
    // One of them was removed by its age, one discarded: both have ended all the same.
    await q.redis.del(jobKey(queue, ids[1] as string))
    await run(redriveOf([], { kind: 'discard', filter: { queues: [queue], ids: new Set([ids[0] as string]) } }))
    const last = await lookAfter(id, ({ finished }) => finished === 40)
    expect(last).toMatchObject({ state: 'completed', moved: 40, finished: 40, failedAgain: 20 })
    await waitUntil(async () => (await q.redis.zscore(operationLeasesKey, id)) === null)
  })

  it('is not looked after for ever', async () => {
    const { queue } = await withDeadLetters(q, 3)
    const { id } = await run(redriveOf([queue]))
    expect(await q.redis.zscore(operationLeasesKey, id)).not.toBeNull()
    await q.redis.hset(operationKey(id), 'turnedAt', Date.now() - 2 * 60 * 60 * 1000)
    await driveOperation(q.redis, await takeOver({ id }))
    expect(await q.redis.zscore(operationLeasesKey, id)).toBeNull()
    expect(await readOperation(q.redis, id)).toMatchObject({ moved: 3, finished: 0 })
  })
})

/** The connection, which breaks before the reply to the command of this number: Redis has run it, and nobody hears of it. */
function cutAfter(redis: Redis, commands: number): Redis {
  let left = commands
  const send = redis.sendCommand.bind(redis) as (...args: unknown[]) => Promise<unknown>
  redis.sendCommand = async (...args: unknown[]) => {
    const reply = await send(...args)
    if (--left > 0) return reply
    redis.disconnect()
    throw new Error('Connection is closed.')
  }
  return redis
}
