import { LIMITS } from '@foliot/jobs'
import { startRedis, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { dead, openTestQueues, retry, succeed, type TestConsumer, untilStopped } from '../fixtures/test-queues.ts'
import { bullKeys, jobKey } from '../keys.ts'
import { Consumer } from './consumer.ts'
import type { RunningAttempt } from './running-attempt.ts'

const q = await openTestQueues()

const events = (job: { timeline: { event: string }[] }): string => job.timeline.map(({ event }) => event).join(' ')

/** A promise for the next attempts, in the order in which they start. */
function attemptsOf(): { run: (attempt: RunningAttempt) => void; next: () => Promise<RunningAttempt> } {
  const started: RunningAttempt[] = []
  let wake = (): void => undefined
  return {
    run: (attempt) => {
      started.push(attempt)
      wake()
    },
    next: async () => {
      while (started.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return started.shift() as RunningAttempt
    },
  }
}

describe('how an attempt ends', () => {
  it('succeeds', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue, { input: { a: 1 }, labels: { k: 'v' }, version: 4, timeoutMs: 77 })
    const claims: unknown[] = []
    const { errors } = await q.consume(queue, async ({ claim }) => {
      claims.push(claim)
      return { kind: 'succeeded', output: '{"b":2}' }
    })
    const job = await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    expect(job).toMatchObject({ output: { b: 2 }, attempt: 1, attemptsUsed: 0, error: null })
    expect(job.timeline).toMatchObject([
      { event: 'created' },
      { event: 'started', attempt: 1, detail: 'by worker w1' },
      { event: 'succeeded', attempt: 1 },
    ])
    expect([job.startedAt, job.finishedAt].map((at) => Date.parse(at as string) >= Date.parse(job.createdAt))).toEqual([
      true,
      true,
    ])
    expect(claims).toMatchObject([
      {
        id,
        queue,
        type: 'test.echo',
        input: { a: 1 },
        envelope: { version: 4, labels: { k: 'v' }, timeoutMs: 77 },
        worker: 'w1',
      },
    ])
    expect(errors).toEqual([])
  })

  it('is retried after its delay, which uses up an attempt', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    const seen: number[][] = []
    await q.consume(queue, async ({ claim: { attempt, attemptsUsed, maxAttempts } }) => {
      seen.push([attempt, attemptsUsed, maxAttempts])
      return attempt < 3 ? retry(attempt === 1 ? 50 : 0, `no ${attempt}`) : succeed()
    })
    const waiting = await q.readWhen(queue, id, ({ status }) => status === 'retrying')
    expect(waiting).toMatchObject({
      attempt: 1,
      attemptsUsed: 1,
      error: { message: 'no 1', kind: 'error' },
      output: null,
    })
    expect(waiting.timeline.at(-1)).toMatchObject({ event: 'retry_scheduled', detail: 'again in 50 ms' })
    expect(Date.parse(waiting.nextAttemptAt as string)).toBe(Date.parse(waiting.timeline.at(-1)?.at as string) + 50)
    const job = await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    expect(seen).toEqual([
      [1, 0, 3],
      [2, 1, 3],
      [3, 2, 3],
    ])
    expect(job).toMatchObject({ attempt: 3, attemptsUsed: 2, error: null })
    expect(events(job)).toBe(
      'created started attempt_failed retry_scheduled started attempt_failed retry_scheduled started succeeded',
    )
  })

  it('becomes a dead letter with its failure', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue, { maxAttempts: 1 })
    const failure = { name: 'TypeError', message: 'no', kind: 'http', stack: 'TypeError: no\n at x' }
    await q.consume(queue, async () => ({ kind: 'dead', status: 'failed', failure, reason: 'no attempt is left' }))
    const job = await q.readWhen(queue, id, ({ status }) => status === 'failed')
    expect(job).toMatchObject({ error: failure, attempt: 1, attemptsUsed: 1, output: null })
    expect(job.timeline.slice(1)).toMatchObject([
      { event: 'started', attempt: 1 },
      { event: 'attempt_failed', attempt: 1, detail: 'TypeError: no' },
      { event: 'failed', attempt: 1, detail: 'no attempt is left' },
    ])
    expect(await q.redis.zrange(bullKeys(queue).failed, '0', '-1')).toEqual([id])
  })

  it('times out for good', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    const failure = { name: 'TimeoutError', message: 'too long', kind: 'timeout' }
    await q.consume(queue, async () => ({ kind: 'dead', status: 'timed_out', failure, reason: 'no attempt is left' }))
    const job = await q.readWhen(queue, id, ({ status }) => status === 'timed_out')
    expect(job).toMatchObject({ error: failure, attemptsUsed: 1 })
    expect(events(job)).toBe('created started timed_out')
  })

  it('keeps a message of its full length', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    const message = 'ü'.repeat(LIMITS.errorMessageBytes / 2)
    await q.consume(queue, async () => dead(message))
    expect((await q.readWhen(queue, id, ({ status }) => status === 'failed')).error?.message).toBe(message)
  })

  it('snoozes without using up an attempt', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue, { maxAttempts: 1 })
    const used: number[] = []
    await q.consume(queue, async ({ claim }) => {
      used.push(claim.attemptsUsed)
      return claim.attempt < 3 ? { kind: 'snoozed', delayMs: 40, reason: 'not now' } : succeed()
    })
    const asleep = await q.readWhen(queue, id, ({ status }) => status === 'scheduled')
    expect(asleep).toMatchObject({ attemptsUsed: 0, error: null })
    expect(asleep.timeline.at(-1)).toMatchObject({ event: 'snoozed', detail: 'not now' })
    const job = await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    expect(used).toEqual([0, 0, 0])
    expect(job).toMatchObject({ attempt: 3, attemptsUsed: 0 })
  })

  it('cancels itself, which is no failure and uses up no attempt', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    await q.consume(queue, async ({ claim }) =>
      claim.attempt === 1 ? retry(0) : { kind: 'cancelled', by: 'handler', reason: 'no longer wanted' },
    )
    const job = await q.readWhen(queue, id, ({ status }) => status === 'cancelled')
    expect(job).toMatchObject({ attempt: 2, attemptsUsed: 1, output: null })
    expect(job.timeline.at(-1)).toMatchObject({ event: 'cancelled', attempt: 2, detail: 'no longer wanted' })
    expect(await q.redis.zcard(bullKeys(queue).failed)).toBe(0)
  })

  it('keeps the first three attempts and the last seventeen of many', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue, { maxAttempts: 1000 })
    await q.consume(queue, async ({ claim }) => (claim.attempt < 30 ? retry(0) : succeed()))
    const job = await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    const told = job.timeline.filter(({ event }) => event === 'attempt_failed').map(({ attempt }) => attempt)
    expect(told).toEqual([1, 2, 3, ...Array.from({ length: 17 }, (_, i) => 13 + i)])
    expect(job).toMatchObject({ attempt: 30, attemptsUsed: 29 })
  })

  it('fails at once a job that a worker of plain BullMQ has given up on', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    await q.redis.hset(jobKey(queue, id), 'defa', 'job stalled more than allowable limit')
    const { errors } = await q.consume(queue, async () => dead('the handler must not run'))
    const job = await q.readWhen(queue, id, ({ status }) => status === 'failed')
    expect(job.error).toMatchObject({ message: 'job stalled more than allowable limit', kind: 'crashed' })
    expect(errors).toEqual([])
  })
})

describe('Consumer', () => {
  it('tells of a run that rejects, which is a mistake of the worker', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    let runs = 0
    const { errors } = await q.consume(queue, async () => {
      if (++runs === 1) throw new Error('a mistake')
      return succeed()
    })
    await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    expect(errors).toMatchObject([{ message: 'a mistake' }])
  })

  it('runs as many attempts at a time as it may, and tells which', async () => {
    const queue = q.newQueue()
    const ids = []
    for (let i = 0; i < 5; i++) ids.push((await q.add(queue)).id)
    const gate = Promise.withResolvers<void>()
    const full = Promise.withResolvers<void>()
    let running = 0
    let most = 0
    const { consumer } = await q.consume(
      queue,
      async () => {
        most = Math.max(most, ++running)
        if (running === 3) full.resolve()
        await gate.promise
        running--
        return succeed()
      },
      { concurrency: 3 },
    )
    await full.promise
    expect(consumer.running.sort()).toEqual(ids.slice(0, 3).sort())
    gate.resolve()
    for (const id of ids) await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    expect({ most, left: consumer.running }).toEqual({ most: 3, left: [] })
  })

  it('shares a connection with other consumers, which outlives them', async () => {
    const redis = q.connect()
    const queues = [q.newQueue(), q.newQueue()]
    const consumers = await Promise.all(queues.map((queue) => q.consume(queue, succeed, { redis })))
    for (const queue of queues) {
      const { id } = await q.add(queue)
      await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    }
    await Promise.all(consumers.map(({ consumer }) => consumer.stop(0)))
    expect(await redis.ping()).toBe('PONG')
  })
})

describe('a Redis that goes and comes back', () => {
  it('finds the consumer as it was: what ran goes on, and what waited runs', async () => {
    const server = await startRedis()
    const own = await openTestQueues(server.url)
    const queue = own.newQueue()
    const [held, waiting] = [await own.add(queue, { maxAttempts: 1 }), await own.add(queue)]
    const attempts = attemptsOf()
    const gate = Promise.withResolvers<void>()
    await own.consume(queue, async (attempt) => {
      attempts.run(attempt)
      await gate.promise
      return succeed()
    })
    await attempts.next()
    await server.kill()
    gate.resolve()
    await startRedis({ dir: server.dir, port: server.port })
    await own.readWhen(queue, waiting.id, ({ status }) => status === 'succeeded')
    expect(await own.read(queue, held.id)).toMatchObject({ status: 'succeeded', attempt: 1, attemptsUsed: 0 })
  })
})

describe('stop', () => {
  it('lets running attempts end within the grace, and takes no more jobs', async () => {
    const queue = q.newQueue()
    const [first, second] = [await q.add(queue), await q.add(queue)]
    const attempts = attemptsOf()
    const gate = Promise.withResolvers<void>()
    const { consumer } = await q.consume(queue, async (attempt) => {
      attempts.run(attempt)
      await gate.promise
      return succeed()
    })
    const attempt = await attempts.next()
    const stopped = consumer.stop(20_000)
    gate.resolve()
    await stopped
    expect(attempt.stopReason).toBeUndefined()
    expect((await q.read(queue, first.id)).status).toBe('succeeded')
    expect(await q.read(queue, second.id)).toMatchObject({ status: 'queued', attempt: 0 })
  })

  it.each([
    ['a job', {}],
    ['a job with a priority', { priority: 9 }],
  ])('hands back %s, uncounted, and wakes an idle consumer, which takes it', async (_, options) => {
    const queue = q.newQueue()
    const { id } = await q.add(queue, { maxAttempts: 1, ...options })
    const attempts = attemptsOf()
    const run = async (attempt: RunningAttempt) => {
      attempts.run(attempt)
      return untilStopped(attempt)
    }
    const { consumer } = await q.consume(queue, run)
    const held = await attempts.next()
    const other = await q.consume(queue, run, { redis: q.connect(), worker: 'w2' })
    await consumer.stop(0)
    expect([held.stopReason, held.signal.aborted]).toEqual(['shutdown', true])
    const again = await attempts.next()
    expect(again.claim).toMatchObject({ id, worker: 'w2', attempt: 2, attemptsUsed: 0 })
    const job = await q.read(queue, id)
    expect(job).toMatchObject({ status: 'running', attempt: 2, attemptsUsed: 0 })
    expect(events(job)).toBe('created started handed_back started')
    // It waited when the job came back. That it was woken, and did not look by itself, shows where nobody waits.
    const { marker } = bullKeys(queue)
    await q.redis.del(marker)
    await other.consumer.stop(0)
    expect(await q.redis.zscore(marker, '0')).toBe('0')
    expect(await q.read(queue, id)).toMatchObject({ status: 'queued', attemptsUsed: 0 })
  })

  it('keeps the handed-back job before those that came later', async () => {
    const queue = q.newQueue()
    const [first, second] = [await q.add(queue), await q.add(queue)]
    const attempts = attemptsOf()
    const { consumer } = await q.consume(queue, async (attempt) => {
      attempts.run(attempt)
      return untilStopped(attempt)
    })
    await attempts.next()
    await consumer.stop(0)
    const order: string[] = []
    await q.consume(queue, async ({ claim }) => {
      order.push(claim.id)
      return succeed()
    })
    await q.readWhen(queue, second.id, ({ status }) => status === 'succeeded')
    expect(order).toEqual([first.id, second.id])
  })

  it('is safe twice, before start, and for good', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    const options = { queue, concurrency: 1, worker: 'w1', redis: q.redis, run: succeed, onError: () => undefined }
    const never = new Consumer(options)
    await Promise.all([never.stop(1000), never.stop(1000)])
    await never.start()
    const { consumer } = await q.consume(q.newQueue(), succeed)
    expect(consumer.stop(10)).toBe(consumer.stop(20))
    await consumer.stop(0)
    const early = new Consumer({ ...options, queue: q.newQueue() })
    await Promise.all([early.start(), early.stop(0)])
    expect(await q.read(queue, id)).toMatchObject({ status: 'queued', attempt: 0 })
  })

  it('ends while Redis is away, however far its connection is with trying again', async () => {
    const server = await startRedis()
    const own = await openTestQueues(server.url)
    const moments = ['close', 'reconnecting', 'connecting', 'reconnecting'] as const
    const started = await Promise.all(moments.map(() => own.consume(own.newQueue(), succeed)))
    await server.kill()
    const stopped: Promise<void>[] = []
    // The connections of a process try again at much the same times.
    for (const [i, moment] of moments.entries()) {
      await new Promise((resolve) => own.redis.once(moment, resolve))
      stopped.push((started[i] as TestConsumer).consumer.stop(0))
    }
    await Promise.all(stopped)
  })

  it('ends its own connection', async () => {
    const clients = async (): Promise<number> => {
      const list = (await q.redis.client('LIST')) as string
      return list.split('\n').filter((line) => line.includes(` db=${q.redis.options.db} `)).length
    }
    const before = await clients()
    const { consumer } = await q.consume(q.newQueue(), succeed)
    expect(await clients()).toBe(before + 1)
    await consumer.stop(0)
    await waitUntil(async () => (await clients()) === before)
  })
})
