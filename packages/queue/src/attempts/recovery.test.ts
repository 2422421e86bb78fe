/**
 * What becomes of jobs whose process died, froze or stumbled. Each test waits for a lock to run out (5 s) and for the
 * check that finds it (2 s), so they run at the same time.
 */
import { startProcess, type TestProcess, waitUntil } from '@foliot/testkit'
import { Queue } from 'bullmq'
import { describe, expect, it, vi } from 'vitest'
import { guarded, openTestQueues, succeed } from '../fixtures/test-queues.ts'
import { readLog } from '../jobs/find-job.ts'
import { cancelJob, promoteJob, redriveJob } from '../jobs/moves.ts'
import { brokenBase, bullKeys, bullName, deadlinesKey, jobKey, lockKey, PREFIX } from '../keys.ts'
import { pauseQueue } from '../queues/queues.ts'
import type { RunningAttempt } from './running-attempt.ts'

vi.setConfig({ maxConcurrency: 20 })

const q = await openTestQueues()

/** A process that holds these jobs. */
async function holdElsewhere(queue: string, ids: string[]): Promise<TestProcess> {
  const process = await startProcess({
    entry: 'packages/queue/src/fixtures/holding-consumer.ts',
    args: [q.url, queue, String(ids.length)],
  })
  for (const id of ids) await process.waitForLine(({ json }) => json?.held === id)
  return process
}

const events = (job: { timeline: { event: string }[] }): string => job.timeline.map(({ event }) => event).join(' ')

describe.concurrent('a process that is killed', () => {
  it('loses its job to another, and the death counts as an attempt', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue, { maxAttempts: 2 })
    const process = await holdElsewhere(queue, [id])
    const claims: RunningAttempt['claim'][] = []
    const recovered: unknown[] = []
    await q.consume(
      queue,
      async ({ claim }) => {
        claims.push(claim)
        return succeed()
      },
      { onRecovered: (back, gone) => void recovered.push([back, gone]) },
    )
    await process.kill()
    const job = await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    expect(claims).toMatchObject([{ attempt: 2, attemptsUsed: 1 }])
    expect(recovered).toEqual([[[id], []]])
    expect(job).toMatchObject({ attempt: 2, attemptsUsed: 1, error: null })
    expect(events(job)).toBe('created started worker_lost started succeeded')
    expect(job.timeline[2]).toMatchObject({ attempt: 1, detail: 'worker held stopped answering' })
  })

  it('makes a dead letter of a job with no attempt left, which a redrive revives', async () => {
    const queue = q.newQueue()
    const [once, plain] = [await q.add(queue, { maxAttempts: 1 }), await addPlain(queue)]
    const process = await holdElsewhere(queue, [once.id, plain])
    const recovered = Promise.withResolvers<unknown>()
    const ran: string[] = []
    await q.consume(
      queue,
      async ({ claim }) => {
        ran.push(claim.id)
        return succeed()
      },
      { onRecovered: (back, gone) => recovered.resolve({ back, gone: gone.sort() }) },
    )
    await process.kill()
    expect(await recovered.promise).toEqual({ back: [], gone: [once.id, plain].sort() })
    for (const id of [once.id, plain]) {
      const job = await q.read(queue, id)
      expect(job).toMatchObject({ status: 'failed', attempt: 1, attemptsUsed: 1, error: { kind: 'crashed' } })
      expect(events(job)).toBe('created started worker_lost failed')
    }
    expect(ran).toEqual([])
    await redriveJob(q.redis, { queue, id: once.id }, { by: 'test' })
    const job = await q.readWhen(queue, once.id, ({ status }) => status === 'succeeded')
    expect(events(job)).toBe('created started worker_lost failed redriven started succeeded')
    expect(job).toMatchObject({ attempt: 2, attemptsUsed: 0 })
  })

  it('makes a dead letter of a job under which two others died, whatever attempts it has, and a redrive forgets them', async () => {
    const queue = q.newQueue()
    const [third, second] = [await q.add(queue, { maxAttempts: 50 }), await q.add(queue, { maxAttempts: 50 })]
    const process = await holdElsewhere(queue, [third.id, second.id])
    for (const [id, deaths] of [
      [third.id, 2],
      [second.id, 1],
    ] as const) {
      await q.redis.hset(jobKey(queue, id), 'stc', deaths)
    }
    const recovered = Promise.withResolvers<unknown>()
    await q.consume(queue, succeed, { onRecovered: (back, gone) => recovered.resolve({ back, gone }) })
    await process.kill()
    expect(await recovered.promise).toEqual({ back: [second.id], gone: [third.id] })
    const job = await q.read(queue, third.id)
    expect(job).toMatchObject({ status: 'failed', attemptsUsed: 1, error: { name: 'WorkerLost', kind: 'crashed' } })
    expect(job.error?.message).toBe(
      'the process died under this job 3 times, which ends it however many attempts are left: look at how its workers ' +
        'ended; a redrive gives it 3 more',
    )
    await q.readWhen(queue, second.id, ({ status }) => status === 'succeeded')
    await redriveJob(q.redis, { queue, id: third.id }, { by: 'test' })
    await q.readWhen(queue, third.id, ({ status }) => status === 'succeeded')
    expect(await q.redis.hexists(jobKey(queue, third.id), 'stc')).toBe(0)
  })
})

describe.concurrent('a job that was cancelled, and whose process died before it ended', () => {
  it('is neither put back nor a dead letter, also in a queue that is paused', async () => {
    const queue = q.newQueue()
    const [last, first, broken] = [await q.add(queue, { maxAttempts: 1 }), await q.add(queue), await q.add(queue)]
    const ids = [last.id, first.id, broken.id]
    const process = await holdElsewhere(queue, ids)
    await pauseQueue(q.redis, queue)
    for (const { id } of [last, first]) {
      expect(await cancelJob(q.redis, { queue, id }, { by: 'ops', reason: 'wrong input' })).toMatchObject({
        status: 'running',
        cancelRequestedAt: expect.any(String),
      })
    }
    await q.redis.hset(jobKey(queue, broken.id), 'cx', '{')
    await process.kill()
    const { errors } = await q.consume(queue, succeed)
    for (const id of ids) {
      const job = await q.readWhen(queue, id, ({ status }) => status === 'cancelled')
      expect(job).toMatchObject({ attempt: 1, attemptsUsed: 0, error: null, output: null })
      expect(events(job)).toBe('created started worker_lost cancelled')
      const detail = id === broken.id ? 'the request to cancel it cannot be read' : 'wrong input'
      expect(job.timeline.at(-1)).toMatchObject({ attempt: 1, detail })
    }
    const k = bullKeys(queue)
    expect([await q.redis.llen(k.wait), await q.redis.llen(k.active), await q.redis.zcard(k.failed)]).toEqual([0, 0, 0])
    expect(errors).toEqual([])
  })

  it('ends also without another worker, and its process, should it come back, is told that it lost the job', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    const zombie = await holdElsewhere(queue, [id])
    zombie.signal('SIGSTOP')
    await q.readWhen(queue, id, ({ status }) => status === 'queued')
    const { marker } = bullKeys(queue)
    await q.redis.del(marker)
    const cancel = () => cancelJob(q.redis, { queue, id }, { by: 'ops', reason: 'wrong input' })
    expect(await cancel()).toMatchObject({ status: 'queued', cancelRequestedAt: expect.any(String) })
    expect([await q.redis.exists(marker), (await cancel()).status]).toEqual([0, 'queued'])
    const cancelled = await waitUntil(
      async () => {
        const job = await cancel()
        return job.status === 'cancelled' ? job : undefined
      },
      { timeoutMs: 20_000 },
    )
    // A queue with a limit has room again.
    expect(await q.redis.zcard(marker)).toBe(1)
    expect(cancelled).toMatchObject({ status: 'cancelled', attempt: 1, attemptsUsed: 0 })
    expect(events(cancelled)).toBe('created started worker_lost cancelled')
    expect(await q.redis.llen(bullKeys(queue).active)).toBe(0)
    zombie.signal('SIGCONT')
    zombie.closeInput()
    await zombie.waitForLine(({ json }) => json?.wrote === id && json.stopped === 'lost')
    await zombie.waitForLine(({ json }) => json?.lost === id)
    expect(await q.read(queue, id)).toEqual(cancelled)
    expect(await q.redis.exists(lockKey(queue, id))).toBe(0)
  })
})

describe.concurrent('a process whose lock ran out, and which lives', () => {
  it('hears that its job is cancelled, and how it ends counts', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    const process = await holdElsewhere(queue, [id])
    const cancel = () => cancelJob(q.redis, { queue, id }, { by: 'ops', reason: 'wrong input' })
    // The second time it was asked to end before, long ago: that is no reason to wait less for it.
    for (let n = 0; n < 2; n++) {
      process.signal('SIGSTOP')
      await q.readWhen(queue, id, ({ status }) => status === 'queued')
      expect((await cancel()).status).toBe('queued')
      process.signal('SIGCONT')
      await q.readWhen(queue, id, ({ status }) => status === 'running')
    }
    process.closeInput()
    await process.waitForLine(({ json }) => json?.wrote === id && json.stopped === 'cancel')
    const job = await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    expect(events(job)).toBe('created started succeeded')
  })
})

describe.concurrent('a process that is killed at the last attempt', () => {
  it('leaves nothing of the failure before on its job, though both are of one kind, and no deadline', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue, { maxAttempts: 2, deadlineAt: Date.now() + 600_000 })
    const { consumer } = await q.consume(queue, async () => {
      const failure = { name: 'Error', message: 'no', kind: 'crashed', fingerprint: 'crashed-1234', stack: 'Error: no' }
      return { kind: 'retry', outcome: 'failed', failure, reason: 'again', delayMs: 600_000 }
    })
    const before = await q.readWhen(queue, id, ({ status }) => status === 'retrying')
    expect(before.error).toMatchObject({ fingerprint: 'crashed-1234', stack: 'Error: no' })
    await consumer.stop(0)
    await promoteJob(q.redis, { queue, id }, { by: 'test' })
    const process = await holdElsewhere(queue, [id])
    await q.consume(queue, succeed)
    await process.kill()
    const { error } = await q.readWhen(queue, id, ({ status }) => status === 'failed')
    expect(error).toEqual({
      name: 'WorkerLost',
      message: expect.stringContaining('died'),
      kind: 'crashed',
      fingerprint: expect.stringMatching(/^crashed-[0-9a-f]{16}$/),
    })
    expect(await q.redis.exists(deadlinesKey(queue))).toBe(0)
  })
})

/** A job of plain BullMQ that says nothing of attempts. */
async function addPlain(queue: string): Promise<string> {
  const plain = new Queue(bullName(queue), { connection: q.redis, prefix: PREFIX, skipMetasUpdate: true })
  const { id } = await plain.add('plain.job', {})
  await q.redis.hset(jobKey(queue, id as string), 'opts', '{}')
  await plain.close()
  return id as string
}

describe.concurrent('a process that is frozen and thawed', () => {
  it('cannot write over the attempt that has the job now, nor over its result', async () => {
    const queue = q.newQueue()
    const [open, ended] = [await q.add(queue), await q.add(queue)]
    const zombie = await holdElsewhere(queue, [open.id, ended.id])
    zombie.signal('SIGSTOP')
    const held = Promise.withResolvers<RunningAttempt>()
    const gate = Promise.withResolvers<void>()
    await q.consume(
      queue,
      async (attempt) => {
        if (attempt.claim.id === open.id) {
          await attempt.progress('"of the new attempt"')
          held.resolve(attempt)
          await gate.promise
        }
        return { kind: 'succeeded', output: '"of the new attempt"' }
      },
      { concurrency: 2 },
    )
    await held.promise
    await q.readWhen(queue, ended.id, ({ status }) => status === 'succeeded')
    zombie.signal('SIGCONT')
    zombie.closeInput()
    for (const { id } of [open, ended]) {
      await zombie.waitForLine(({ json }) => json?.wrote === id && json.stopped === 'lost')
      await zombie.waitForLine(({ json }) => json?.lost === id)
      expect(await readLog(q.redis, { queue, id })).toEqual([])
    }
    expect(await q.read(queue, open.id)).toMatchObject({
      status: 'running',
      attempt: 2,
      progress: 'of the new attempt',
    })
    gate.resolve()
    for (const { id } of [open, ended]) {
      const job = await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
      expect(job).toMatchObject({ output: 'of the new attempt', attempt: 2, attemptsUsed: 1 })
    }
  })
})

describe.concurrent('a job that was taken for stalled while its process lives', () => {
  it('runs once more, and only once, also if its first attempt goes on in the same process', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue, { maxAttempts: 1 })
    const attempts: number[] = []
    const lost: number[] = []
    const second = Promise.withResolvers<void>()
    await q.consume(
      queue,
      async (attempt) => {
        attempts.push(attempt.claim.attempt)
        if (attempts.length > 1) {
          second.resolve()
          // Longer than a lock lasts: somebody has to renew it, also after the end of the first attempt.
          await waitUntil(() => Date.now() - attempt.claim.startedAt > 7000, { timeoutMs: 20_000 })
          return succeed()
        }
        const k = bullKeys(queue)
        const takeAway = q.redis
          .multi()
          .del(lockKey(queue, id))
          .lrem(k.active, 1, id)
          .hincrby(jobKey(queue, id), 'stc', 1)
        await takeAway.rpush(k.wait, id).zadd(k.marker, 0, '0').exec()
        await second.promise
        expect(await attempt.stopped).toBe('lost')
        return succeed()
      },
      { concurrency: 3, onLost: ({ attempt }) => void lost.push(attempt) },
    )
    const job = await q.readWhen(queue, id, ({ status }) => status === 'succeeded' || status === 'failed')
    expect(job).toMatchObject({ status: 'succeeded', attempt: 2, attemptsUsed: 0 })
    expect({ attempts, lost }).toEqual({ attempts: [1, 2], lost: [1] })
  })
})

describe.concurrent('a job that BullMQ stumbles over', () => {
  const broken: Record<string, (key: string) => Promise<unknown>> = {
    'its count of starts is no number': (key) => q.redis.hset(key, 'ats', 'many'),
    'its parent is no JSON': (key) => q.redis.hset(key, 'parent', '{'),
    'its key holds a string': (key) => q.redis.multi().del(key).set(key, 'text').exec(),
    'its key holds a list': (key) => q.redis.multi().del(key).rpush(key, 'text').exec(),
  }

  it.each(Object.entries(broken))('is a dead letter, and blocks no other: %s', async (_, breakIt) => {
    const queue = q.newQueue()
    const [first, bad, last] = [await q.add(queue), await q.add(queue), await q.add(queue)]
    await breakIt(jobKey(queue, bad.id))
    const ran: string[] = []
    const recovered = Promise.withResolvers<unknown>()
    await q.consume(
      queue,
      guarded(async ({ claim }) => {
        ran.push(claim.id)
        return succeed()
      }),
      { onRecovered: (back, gone) => recovered.resolve({ back, gone }) },
    )
    await q.readWhen(queue, last.id, ({ status }) => status === 'succeeded')
    expect(await recovered.promise).toEqual({ back: [], gone: [bad.id] })
    expect(ran).toEqual([first.id, last.id])
    const job = await q.read(queue, bad.id)
    expect(job).toMatchObject({ status: 'failed', error: { kind: 'unreadable', name: 'UnrecoverableError' } })
    const k = bullKeys(queue)
    expect([await q.redis.llen(k.wait), await q.redis.llen(k.active), await q.redis.zcard(k.failed)]).toEqual([0, 0, 1])
    const kept = brokenBase(queue) + bad.id
    if (job.error?.message.includes(kept)) expect(await q.redis.pttl(kept)).toBeGreaterThan(0)
  })

  it('loses none of those that are due with it', async () => {
    const queue = q.newQueue()
    const runAt = Date.now() + 4000
    const ids = []
    for (let n = 0; n < 5; n++) ids.push((await q.add(queue, { runAt })).id)
    const [bad = '', ...good] = ids
    await q.redis.multi().del(jobKey(queue, bad)).set(jobKey(queue, bad), 'text').exec()
    const { errors } = await q.consume(queue, guarded())
    for (const id of good) await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    expect(await q.read(queue, bad)).toMatchObject({ status: 'failed', error: { kind: 'unreadable' } })
    expect(errors).toEqual([])
  })
})
