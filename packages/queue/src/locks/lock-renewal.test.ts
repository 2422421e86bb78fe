import type { Job } from '@foliot/jobs'
import { type RedisServer, startRedis, waitUntil } from '@foliot/testkit'
import type { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { toClaim } from '../attempts/claim.ts'
import type { RunningAttempt } from '../attempts/running-attempt.ts'
import type { Settlement } from '../attempts/settlement.ts'
import { dead, openTestQueues, retry, succeed } from '../fixtures/test-queues.ts'
import { bullKeys, jobKey, lockKey } from '../keys.ts'
import { pauseQueue } from '../queues/queues.ts'
import { runScript } from '../redis/scripts.ts'
import { LockKeeper } from './lock-keeper.ts'
import { renewLocks } from './lock-renewal.ts'
import { LockRounds } from './lock-rounds.ts'
import { LOCK_MS } from './lock-scripts.ts'
import { LockReader } from './lock-table.ts'

const q = await openTestQueues()

/** A job of which a worker is said to run attempt 2, with the lock `mine`. */
async function runningJob() {
  const queue = q.newQueue()
  const { id } = await q.add(queue)
  await q.redis.hset(jobKey(queue, id), 'ats', '2', 'stc', '1', 'processedOn', '1')
  await q.redis.lrem(bullKeys(queue).wait, 1, id)
  await q.redis.lpush(bullKeys(queue).active, id)
  await q.redis.set(lockKey(queue, id), 'mine', 'PX', 100_000)
  const claim = toClaim(queue, id, Object.entries(await q.redis.hgetall(jobKey(queue, id))).flat())
  return { queue, id, hold: { claim, token: 'mine' } }
}

/** Resolves when the lock was renewed: nobody else sets its time anew. */
async function renewedOnce(queue: string, id: string): Promise<void> {
  await q.redis.pexpire(lockKey(queue, id), LOCK_MS - 1500)
  await waitUntil(async () => (await q.redis.pttl(lockKey(queue, id))) > LOCK_MS - 1500)
}

describe('renewLocks', () => {
  it('renews each lock, and takes the jobs from those that look stalled', async () => {
    const { queue, id, hold } = await runningJob()
    const { stalled } = bullKeys(queue)
    await q.redis.sadd(stalled, id, 'another')
    expect(await renewLocks(q.redis, queue, [hold, hold])).toEqual([true, true])
    const left = await q.redis.pttl(lockKey(queue, id))
    expect([left > 0, left <= LOCK_MS]).toEqual([true, true])
    expect(await q.redis.smembers(stalled)).toEqual(['another'])
  })

  it('takes again a lock that ran out while nobody took the job', async () => {
    const { queue, id, hold } = await runningJob()
    await q.redis.del(lockKey(queue, id))
    expect(await renewLocks(q.redis, queue, [hold])).toEqual([true])
    expect(await q.redis.get(lockKey(queue, id))).toBe('mine')
    // That was no death.
    expect(await q.redis.hget(jobKey(queue, id), 'stc')).toBe('1')
  })

  it.each([
    ['has another owner', (queue: string, id: string) => q.redis.set(lockKey(queue, id), 'theirs')],
    ['was started again', (queue: string, id: string) => q.redis.hincrby(jobKey(queue, id), 'ats', 1)],
    ['was put back as stalled', (queue: string, id: string) => q.redis.hincrby(jobKey(queue, id), 'stc', 1)],
    ['has ended', (queue: string, id: string) => q.redis.hset(jobKey(queue, id), 'finishedOn', '5')],
    ['is gone', (queue: string, id: string) => q.redis.del(jobKey(queue, id))],
    [
      'is no hash',
      (queue: string, id: string) => q.redis.multi().del(jobKey(queue, id)).set(jobKey(queue, id), '').exec(),
    ],
    [
      'was put off',
      (queue: string, id: string) => q.redis.hset(jobKey(queue, id), 'a2', '{"n":2,"outcome":"snoozed"}'),
    ],
  ])('tells that a job without its lock %s, and leaves it alone', async (_, change) => {
    const { queue, id, hold } = await runningJob()
    const kept = await runningJob()
    await q.redis.del(lockKey(queue, id))
    await change(queue, id)
    const before = await q.redis.get(lockKey(queue, id))
    expect(await renewLocks(q.redis, queue, [hold])).toEqual([false])
    expect(await q.redis.get(lockKey(queue, id))).toBe(before)
    expect(await renewLocks(q.redis, kept.queue, [kept.hold])).toEqual([true])
  })

  it.each([
    ['of an earlier attempt', '{"n":1,"outcome":"lost"}'],
    ['that was broken by hand', '{'],
  ])('is not misled by a record %s', async (_, record) => {
    const { queue, id, hold } = await runningJob()
    await q.redis.hset(jobKey(queue, id), 'a2', record)
    await q.redis.del(lockKey(queue, id))
    expect(await renewLocks(q.redis, queue, [hold])).toEqual([true])
  })

  it('tells which of many are lost', async () => {
    const { queue, hold } = await runningJob()
    const gone = { ...hold, claim: { ...hold.claim, id: 'gone' } }
    expect(await renewLocks(q.redis, queue, [gone, hold, gone, hold])).toEqual([false, true, false, true])
  })
})

describe('LockRenewal', () => {
  it('keeps the lock of a running attempt, and stops the attempt when another has it', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    const held = Promise.withResolvers<RunningAttempt>()
    await q.consume(queue, async (attempt) => {
      held.resolve(attempt)
      await attempt.stopped
      return succeed()
    })
    const attempt = await held.promise
    await q.redis.del(lockKey(queue, id))
    await waitUntil(() => q.redis.exists(lockKey(queue, id)))
    expect(attempt.stopReason).toBeUndefined()
    await q.redis.set(lockKey(queue, id), 'theirs', 'PX', 60_000)
    expect(await attempt.stopped).toBe('lost')
  })

  it('stops an attempt whose job somebody wants to end, though no message said so', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    const held = Promise.withResolvers<RunningAttempt>()
    await q.consume(queue, async (attempt) => {
      held.resolve(attempt)
      await attempt.stopped
      return succeed()
    })
    const attempt = await held.promise
    await q.redis.hset(jobKey(queue, id), 'cx', 'no JSON')
    await renewedOnce(queue, id)
    expect(attempt.stopReason).toBeUndefined()
    const request = { by: 'ops', reason: 'wrong file', at: 1 }
    await q.redis.hset(jobKey(queue, id), 'cx', JSON.stringify(request))
    expect(await attempt.stopped).toBe('cancel')
    expect(attempt.cancelRequest).toEqual(request)
  })

  it.each([
    ['put off', { kind: 'snoozed', delayMs: 60_000, reason: 'not now' }],
    ['retried later', retry(60_000)],
    ['handed back', { kind: 'handed_back', reason: 'not here' }],
    ['ended', { kind: 'succeeded', output: 'null' }],
  ] satisfies [string, Settlement][])(
    'leaves no lock on a job that is %s between two steps of a round',
    async (_, settlement) => {
      const queue = q.newQueue()
      const { id } = await q.add(queue)
      const begun = Promise.withResolvers<void>()
      const gate = Promise.withResolvers<void>()
      await q.consume(queue, async () => {
        begun.resolve()
        await gate.promise
        return settlement
      })
      await begun.promise
      await pauseQueue(q.redis, queue)
      // As in the thread: what was read from the table reaches Redis when the job has been moved.
      const moved = Promise.withResolvers<void>()
      const round = new LockRounds(
        new LockReader(LockKeeper.of(q.redis).table.blocks),
        async (name, keys, args) => {
          await moved.promise
          return runScript(q.redis, name, keys, args)
        },
        () => undefined,
      ).round(0)
      gate.resolve()
      await q.readWhen(queue, id, ({ status }) => status !== 'running')
      moved.resolve()
      await round
      expect(await q.redis.exists(lockKey(queue, id))).toBe(0)
    },
  )

  it.each([
    [
      'retried',
      {
        kind: 'retry',
        outcome: 'failed',
        failure: { name: 'E', message: 'm', kind: 'e' },
        reason: 'r',
        delayMs: 60_000,
      },
    ],
    ['snoozed', { kind: 'snoozed', delayMs: 60_000, reason: 'r' }],
  ] as const)('leaves no lock on a job that is %s', async (_, settlement) => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    await q.consume(queue, async () => settlement)
    await q.readWhen(queue, id, ({ nextAttemptAt }) => nextAttemptAt !== undefined)
    expect(await q.redis.exists(lockKey(queue, id))).toBe(0)
  })
})

describe('a move that takes long', () => {
  it('leaves no lock on the job', async () => {
    const server = await startRedis()
    const own = await openTestQueues(server.url)
    const queue = own.newQueue()
    const { id } = await own.add(queue)
    await own.consume(queue, async () => {
      process.kill(server.pid, 'SIGSTOP')
      // Locks are renewed each second.
      setTimeout(() => process.kill(server.pid, 'SIGCONT'), 1500)
      return { kind: 'snoozed', delayMs: 60_000, reason: 'not now' }
    })
    await own.readWhen(queue, id, ({ nextAttemptAt }) => nextAttemptAt !== undefined)
    expect(await own.redis.exists(lockKey(queue, id))).toBe(0)
  })
})

describe('a Redis that hangs or refuses for longer than a lock lasts', () => {
  const hangs = (server: RedisServer) => {
    process.kill(server.pid, 'SIGSTOP')
    return () => process.kill(server.pid, 'SIGCONT')
  }
  // A replica takes no writes. Nobody is there whom it could follow.
  const refuses = async (_: RedisServer, redis: Redis) => {
    await redis.replicaof('127.0.0.1', 1)
    return () => redis.replicaof('NO', 'ONE')
  }

  it.each([
    ['hangs', hangs],
    ['refuses', refuses],
  ])('has no job run twice, and gets the end of each attempt that ended meanwhile: it %s', async (_, begin) => {
    const server = await startRedis()
    const own = await openTestQueues(server.url)
    const queue = own.newQueue()
    const ends: [Settlement, Partial<Job>][] = [
      [
        { kind: 'succeeded', output: '1' },
        { status: 'succeeded', attemptsUsed: 0, output: 1 },
      ],
      [
        { kind: 'cancelled', by: 'handler', reason: 'enough' },
        { status: 'cancelled', attemptsUsed: 0 },
      ],
      [
        retry(60_000, 'not yet'),
        { status: 'retrying', attemptsUsed: 1, error: expect.objectContaining({ message: 'not yet' }) },
      ],
      [
        { kind: 'snoozed', delayMs: 60_000, reason: 'not now' },
        { status: 'scheduled', attemptsUsed: 0 },
      ],
      [
        { kind: 'handed_back', reason: 'not here' },
        { status: 'queued', attemptsUsed: 0 },
      ],
      [dead('no'), { status: 'failed', attemptsUsed: 1, error: expect.objectContaining({ message: 'no' }) }],
    ]
    for (const input of ends.keys()) await own.add(queue, { input, maxAttempts: 1 })
    const going = await own.add(queue, { input: 'going', maxAttempts: 1 })
    const ended = Promise.withResolvers<void>()
    const over = Promise.withResolvers<void>()
    const allRun = Promise.withResolvers<void>()
    const ids: string[] = []
    const lost: string[] = []
    await own.consume(
      queue,
      async ({ claim }) => {
        if (ids.push(claim.id) === ends.length + 1) allRun.resolve()
        if (claim.input === 'going') {
          await over.promise
          return succeed()
        }
        await ended.promise
        return (ends[claim.input as number] as [Settlement, unknown])[0]
      },
      { concurrency: ends.length + 1, onLost: ({ id }) => void lost.push(id) },
    )
    await allRun.promise
    // Else what is handed back would run again.
    await pauseQueue(own.redis, queue)
    const end = await begin(server, own.redis)
    const begunAt = Date.now()
    ended.resolve()
    await waitUntil(() => Date.now() - begunAt > LOCK_MS + 500)
    await end()
    for (const [n, [, job]] of ends.entries()) {
      const id = ids[n] as string
      await own.readWhen(queue, id, ({ status }) => status !== 'running')
      expect(await own.readWhen(queue, id, ({ status }) => status === job.status)).toMatchObject({ ...job, attempt: 1 })
    }
    over.resolve()
    const job = await own.readWhen(queue, going.id, ({ status }) => status === 'succeeded')
    expect(job).toMatchObject({ attempt: 1, attemptsUsed: 0 })
    expect([ids.length, lost]).toEqual([ends.length + 1, []])
  })
})
