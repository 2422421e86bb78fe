/**
 * What becomes of jobs when a handler blocks the event loop of its process. Each test waits for locks to run out, or for a
 * process to be killed, so they run at the same time.
 */
import { spawnSync } from 'node:child_process'
import type { Job } from '@foliot/jobs'
import { startProcess, startRedis, type TestProcess, waitUntil } from '@foliot/testkit'
import { describe, expect, it, vi } from 'vitest'
import { openTestQueues, succeed, type TestQueues } from '../fixtures/test-queues.ts'
import { cancelJob } from '../jobs/moves.ts'
import { jobKey, lockKey } from '../keys.ts'
import { LOCK_MS } from './lock-scripts.ts'

// Each starts a process, which takes its time when all do so at once.
vi.setConfig({ maxConcurrency: 5, testTimeout: 120_000 })
const START_WITHIN_MS = 60_000

/** Makes a process the first one of its own, as in a container. It ends with its parent. */
const AS_FIRST = ['--map-root-user', '--pid', '--fork', '--kill-child']
const canBeFirst = spawnSync('unshare', [...AS_FIRST, 'true']).status === 0

/** Long enough for a lock to run out, and for somebody to find that. */
const BLOCK_MS = LOCK_MS + 4000

const q = await openTestQueues()

/** A process that runs jobs as their input says, when it runs the one with this id. */
async function startBlocking(queues: TestQueues, queue: string, id: string, concurrency = 10): Promise<TestProcess> {
  return startProcess({
    entry: 'packages/queue/src/fixtures/blocking-consumer.ts',
    args: [queues.url, queue, String(concurrency)],
    until: ({ json }) => json?.ran === id,
    timeoutMs: START_WITHIN_MS,
  })
}

/** Another process' consumer, as far as the queue knows; what ran there, and whose jobs it took for dead. */
async function consumeElsewhere(queue: string) {
  const ran: string[] = []
  const recovered: string[] = []
  await q.consume(
    queue,
    async ({ claim }) => {
      ran.push(claim.id)
      return succeed()
    },
    { concurrency: 5, onRecovered: (back, dead) => void recovered.push(...back, ...dead) },
  )
  return { ran, recovered }
}

async function expectOneStartEach(queue: string, jobs: readonly Job[]): Promise<void> {
  for (const { id } of jobs) {
    const job = await q.readWhen(queue, id, ({ status }) => status === 'succeeded' || status === 'failed')
    expect([job.attempt, events(job)]).toEqual([1, 'created started succeeded'])
  }
}

const events = (job: { timeline: { event: string }[] }): string => job.timeline.map(({ event }) => event).join(' ')

const untilPassed = (ms: number): Promise<unknown> => {
  const end = Date.now() + ms
  return waitUntil(() => Date.now() > end, { timeoutMs: ms + 20_000 })
}

describe.concurrent('a main loop that is blocked for longer than a lock lasts', () => {
  it('loses neither the jobs that run nor those that it has claimed without knowing it', async () => {
    const queue = q.newQueue()
    const waiting = await q.add(queue, { input: { waitMs: 300 }, maxAttempts: 1 })
    const blocking = await q.add(queue, { input: { blockMs: BLOCK_MS }, maxAttempts: 1 })
    const others = []
    for (let n = 0; n < 40; n++) others.push(await q.add(queue, { maxAttempts: 1 }))
    const process = await startBlocking(q, queue, blocking.id)
    const elsewhere = await consumeElsewhere(queue)
    const jobs = [waiting, blocking, ...others]
    await expectOneStartEach(queue, jobs)
    const ranThere = process.lines.flatMap(({ json }) => (json?.ran === undefined ? [] : [String(json.ran)]))
    expect([...elsewhere.ran, ...ranThere].sort()).toEqual(jobs.map(({ id }) => id).sort())
    expect(ranThere.length).toBeGreaterThan(2)
    expect(process.lines.filter(({ json }) => json?.stopped ?? json?.lost ?? json?.error)).toEqual([])
    expect(elsewhere.recovered).toEqual([])
    process.closeInput()
    expect(await process.exited).toEqual({ code: 0, signal: null })
  })

  it('loses no job whose end it has not sent yet', async () => {
    const queue = q.newQueue()
    const ending = await q.add(queue, { input: { untilBlock: true }, maxAttempts: 1 })
    const blocking = await q.add(queue, { input: { blockMs: BLOCK_MS }, maxAttempts: 1 })
    await startBlocking(q, queue, blocking.id)
    const elsewhere = await consumeElsewhere(queue)
    expect((await q.read(queue, ending.id)).status).toBe('running')
    await expectOneStartEach(queue, [ending, blocking])
    expect(elsewhere).toEqual({ ran: [], recovered: [] })
  })

  it('hears afterwards that a job has another owner, and that another was cancelled', async () => {
    const queue = q.newQueue()
    const [lost, cancelled] = [
      await q.add(queue, { input: { waitMs: 60_000 } }),
      await q.add(queue, { input: { waitMs: 60_000 } }),
    ]
    const blocking = await q.add(queue, { input: { blockMs: 3000 } })
    const process = await startBlocking(q, queue, blocking.id)
    await q.redis.set(lockKey(queue, lost.id), 'theirs', 'PX', 60_000)
    const request = { by: 'ops', reason: 'wrong file', at: 1 }
    await q.redis.hset(jobKey(queue, cancelled.id), 'cx', JSON.stringify(request))
    await process.waitForLine(({ json }) => json?.stopped === lost.id && json.reason === 'lost')
    await process.waitForLine(({ json }) => json?.stopped === cancelled.id && json.reason === 'cancel')
  })
})

describe.concurrent('a job that blocks the main loop past its timeout', () => {
  it('has its process killed each time, and has timed out when its attempts are used up; the others go on elsewhere', async () => {
    const queue = q.newQueue()
    const input = { blockMs: 3_600_000, killAfterMs: 500 }
    const [neighbour, endless] = [
      await q.add(queue, { input: { waitMs: 1000 } }),
      await q.add(queue, { input, maxAttempts: 2 }),
    ]
    for (const attempt of [1, 2]) {
      const process = await startBlocking(q, queue, endless.id)
      expect(await process.exited).toEqual({ code: null, signal: 'SIGKILL' })
      const said = JSON.parse(process.errorText.trim().split('\n').at(-1) ?? '')
      expect(said).toMatchObject({ level: 'fatal', jobs: [{ queue, jobId: endless.id, attempt }] })
      expect(said.msg).toBe('the main loop is blocked past the timeout of a job: killing this process')
      expect(said.blockedMs).toBeGreaterThan(2000)
      // Nobody wants to wait for the lock as well.
      await q.redis.del(lockKey(queue, endless.id))
    }
    const next = await startBlocking(q, queue, neighbour.id)
    const recovered = await q.readWhen(queue, neighbour.id, ({ status }) => status === 'succeeded')
    expect(recovered.timeline.filter(({ event }) => event === 'worker_lost').length).toBeGreaterThan(0)
    const job = await q.readWhen(queue, endless.id, ({ status }) => status === 'timed_out')
    const message = 'the main loop was blocked past its timeout; its process was killed'
    expect(job).toMatchObject({
      attempt: 2,
      attemptsUsed: 2,
      error: { kind: 'timeout', name: 'TimeoutError', message },
    })
    expect(events(job)).toBe('created started timed_out started timed_out')
    expect(job.timeline[2]).toMatchObject({ attempt: 1, detail: `TimeoutError: ${message}` })
    const { id } = await q.add(queue)
    await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    next.closeInput()
    expect(await next.exited).toEqual({ code: 0, signal: null })
  })

  it('has its process killed as well once it was cancelled, and is not run again', async () => {
    const queue = q.newQueue()
    const input = { blockMs: 3_600_000, killAfterMs: 3_600_000 }
    const [neighbour, endless] = [await q.add(queue, { input: { waitMs: 1000 } }), await q.add(queue, { input })]
    const process = await startBlocking(q, queue, endless.id)
    await cancelJob(q.redis, { queue, id: endless.id }, { by: 'ops', reason: 'wrong file' })
    expect(await process.exited).toEqual({ code: null, signal: 'SIGKILL' })
    const said = JSON.parse(process.errorText.trim().split('\n').at(-1) ?? '')
    expect(said).toMatchObject({ level: 'fatal', jobs: [{ queue, jobId: endless.id, attempt: 1 }] })
    expect(said.msg).toBe('the main loop is blocked past the cancellation of a job: killing this process')
    const elsewhere = await consumeElsewhere(queue)
    const job = await q.readWhen(queue, endless.id, ({ status }) => status === 'cancelled')
    expect(events(job)).toBe('created started worker_lost cancelled')
    expect(job.timeline.at(-1)).toMatchObject({ detail: 'wrong file; its process was killed' })
    await q.readWhen(queue, neighbour.id, ({ status }) => status === 'succeeded')
    expect(elsewhere.ran).toEqual([neighbour.id])
  })

  it('has its process killed when all beside it are cancelled too', async () => {
    const queue = q.newQueue()
    const input = { killAfterMs: 3_600_000 }
    const jobs = [
      await q.add(queue, { input: { ...input, waitMs: 3_600_000 } }),
      await q.add(queue, { input: { ...input, blockMs: 3_600_000 } }),
    ]
    const process = await startBlocking(q, queue, jobs[1]?.id ?? '')
    for (const { id } of jobs) await cancelJob(q.redis, { queue, id }, { by: 'ops' })
    expect(await process.exited).toEqual({ code: null, signal: 'SIGKILL' })
    const said = JSON.parse(process.errorText.trim().split('\n').at(-1) ?? '')
    expect(said.msg).toBe('the main loop is blocked past the cancellation of a job: killing this process')
    expect(said.jobs.map(({ jobId }: { jobId: string }) => jobId).sort()).toEqual(jobs.map(({ id }) => id).sort())
  })

  it('is not told from one beside it that is cancelled and cannot hear of that: its own timeout has the process killed', async () => {
    const queue = q.newQueue()
    const cancelled = await q.add(queue, { input: { waitMs: 3_600_000, killAfterMs: 3_600_000 } })
    const blocking = await q.add(queue, { input: { blockMs: 3_600_000, killAfterMs: 8000 }, maxAttempts: 1 })
    const process = await startBlocking(q, queue, blocking.id)
    await cancelJob(q.redis, { queue, id: cancelled.id }, { by: 'ops' })
    expect(await process.exited).toEqual({ code: null, signal: 'SIGKILL' })
    // Long past the grace of the cancelled one, which it says too.
    const said = JSON.parse(process.errorText.trim().split('\n').at(-1) ?? '')
    expect(said.msg).toBe('the main loop is blocked past the timeout of a job: killing this process')
    expect(said.jobs.map(({ jobId }: { jobId: string }) => jobId).sort()).toEqual([cancelled.id, blocking.id].sort())
    await consumeElsewhere(queue)
    expect((await q.readWhen(queue, cancelled.id, ({ status }) => status === 'cancelled')).attempt).toBe(1)
    expect((await q.readWhen(queue, blocking.id, ({ status }) => status === 'timed_out')).attempt).toBe(1)
  })

  it('has its process killed also while Redis hangs', async () => {
    const server = await startRedis()
    const own = await openTestQueues(server.url)
    const queue = own.newQueue()
    const { id } = await own.add(queue, { input: { blockMs: 3_600_000, killAfterMs: 500 } })
    const blocked = await startBlocking(own, queue, id)
    process.kill(server.pid, 'SIGSTOP')
    expect(await blocked.exited).toEqual({ code: null, signal: 'SIGKILL' })
    process.kill(server.pid, 'SIGCONT')
    expect(blocked.errorText).toContain(id)
  })

  it.skipIf(!canBeFirst)(
    'ends its process also if that is the first of a container, which no signal of its own ends',
    async () => {
      const queue = q.newQueue()
      const { id } = await q.add(queue, { input: { blockMs: 3_600_000, killAfterMs: 500 } })
      const first = await startProcess({
        command: ['unshare', ...AS_FIRST, process.execPath, '--conditions=source'],
        entry: 'packages/queue/src/fixtures/blocking-consumer.ts',
        args: [q.url, queue, '1'],
        until: ({ json }) => json?.ran === id,
      })
      expect(await first.exited).toEqual({ code: null, signal: expect.stringMatching(/^SIG(TRAP|ABRT|ILL|SEGV)$/) })
      expect(first.errorText).toContain(id)
    },
  )
})

describe.concurrent('a process that is past the timeout of a job', () => {
  it.each([
    ['but does not block its main loop', { waitMs: 4000, killAfterMs: 100 }],
    ['but has turned its main loop before', { blockMs: 4000, killAfterMs: 6000 }],
  ])('is not killed, %s', async (_, input) => {
    const queue = q.newQueue()
    const { id } = await q.add(queue, { input })
    const process = await startBlocking(q, queue, id)
    await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    process.closeInput()
    expect(await process.exited).toEqual({ code: 0, signal: null })
  })

  it('is not killed for having been frozen as a whole', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue, { input: { waitMs: 5000, killAfterMs: 100 } })
    const frozen = await startBlocking(q, queue, id)
    frozen.signal('SIGSTOP')
    await untilPassed(4000)
    frozen.signal('SIGCONT')
    await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    frozen.closeInput()
    expect(await frozen.exited).toEqual({ code: 0, signal: null })
  })
})
