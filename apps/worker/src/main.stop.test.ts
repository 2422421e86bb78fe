import type { Job } from '@foliot/jobs'
import { listWorkers } from '@foliot/queue'
import { startProcess, startRedis, startWorker, type TestProcess, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { ignore, leak, nap, wait } from './fixtures/jobs.ts'
import { runnablesOf } from './fixtures/runnables.ts'
import { openTestBed, type TestBed } from './fixtures/test-bed.ts'

const FOLIOT_JOBS = './apps/worker/src/fixtures/jobs.ts'

/** A database, and a worker process on it. */
async function start(env: Record<string, string> = {}) {
  const bed = await openTestBed()
  return { bed, worker: await startWorker({ FOLIOT_REDIS_URL: bed.url, FOLIOT_JOBS, ...env }) }
}

const told = (worker: TestProcess, msg: string) => worker.waitForLine(({ json }) => json?.msg === msg)

/** Adds these jobs and waits until all of them run. */
async function run(bed: TestBed, ...jobs: [Parameters<TestBed['add']>[0], unknown][]): Promise<Job[]> {
  const added = await Promise.all(jobs.map(([definition, input]) => bed.add(definition, input)))
  return Promise.all(added.map((job) => bed.readWhen(job, ({ status }) => status === 'running')))
}

const fatal = (worker: TestProcess): unknown[] =>
  worker.lines.flatMap(({ json }) => (json?.level === 'fatal' ? [json.msg] : []))

describe.concurrent('a worker that is told to stop', () => {
  it('lets jobs end within the grace, hands back the rest, and ends by itself in time', async () => {
    const graceMs = 3000
    const { bed, worker } = await start({ FOLIOT_SHUTDOWN_GRACE_MS: String(graceMs) })
    const [short, long] = (await run(bed, [nap, 500], [wait, null])) as [Job, Job]
    const startedAt = performance.now()
    worker.signal('SIGTERM')

    await told(worker, 'stopping')
    await waitUntil(async () => (await listWorkers(bed.redis))[0]?.state === 'stopping')
    expect((await fetch(`${worker.url}/healthz`)).status).toBe(200)
    expect((await fetch(`${worker.url}/readyz`)).status).toBe(503)
    const late = await bed.add(nap, 0)

    expect(await worker.exited).toEqual({ code: 0, signal: null })
    expect(performance.now() - startedAt).toBeLessThan(graceMs)
    expect(fatal(worker)).toEqual([])
    expect(await bed.read(short)).toMatchObject({ status: 'succeeded', output: 'rested' })
    const back = await bed.read(long)
    expect(back).toMatchObject({ status: 'queued', attempt: 1, attemptsUsed: 0 })
    expect(back.timeline.at(-1)).toMatchObject({ event: 'handed_back', detail: 'the worker is shutting down' })
    expect(await bed.read(late)).toMatchObject({ status: 'queued', attempt: 0 })
    expect(await listWorkers(bed.redis)).toEqual([])

    const next = runnablesOf([nap, wait], { 'test.nap': () => 'next', 'test.wait': () => 'next' })
    await bed.work(next, { worker: 'the next' })
    expect(await bed.end(long)).toMatchObject({ status: 'succeeded', output: 'next', attempt: 2, attemptsUsed: 0 })
    expect(await bed.end(late)).toMatchObject({ status: 'succeeded', attempt: 1 })
  })

  it('hands back also a job whose handler ignores that it is told', async () => {
    const { bed, worker } = await start({ FOLIOT_SHUTDOWN_GRACE_MS: '0' })
    const [job] = (await run(bed, [ignore, null])) as [Job]
    expect(await worker.stop()).toEqual({ code: 0, signal: null })
    const back = await bed.read(job)
    expect(back).toMatchObject({ status: 'queued', attempt: 1, attemptsUsed: 0 })
    expect(back.timeline.at(-1)?.event).toBe('handed_back')
  })

  it('ends at once when it is told a second time', async () => {
    const { bed, worker } = await start()
    await run(bed, [ignore, null])
    worker.signal('SIGTERM')
    await told(worker, 'stopping')
    worker.signal('SIGINT')
    expect(await worker.exited).toEqual({ code: 1, signal: null })
    expect(fatal(worker)).toEqual(['told a second time; ending at once'])
  })

  it('stops when its supervisor is gone', async () => {
    const { bed, worker } = await start({ FOLIOT_SUPERVISED: '1' })
    worker.closeInput()
    expect(await worker.exited).toEqual({ code: 0, signal: null })
    expect((await told(worker, 'stopping')).json?.reason).toBe('stdin ended')
    expect(await listWorkers(bed.redis)).toEqual([])
  })

  it('stops while it still waits for Redis', async () => {
    const redis = await startRedis()
    await redis.kill()
    const env = { FOLIOT_REDIS_URL: redis.url, FOLIOT_JOBS, FOLIOT_WORKER_PORT: '0' }
    const worker = await startProcess({ entry: 'apps/worker/src/main.ts', env })
    await worker.waitForLine(({ text }) => text.includes('is away'))
    worker.signal('SIGTERM')
    expect(await worker.exited).toEqual({ code: 0, signal: null })
    expect(fatal(worker)).toEqual([])
  })

  it('stops in order after an error that nobody caught, and exits with 1', async () => {
    const { bed, worker } = await start({ FOLIOT_SHUTDOWN_GRACE_MS: '0', FOLIOT_CONCURRENCY: '2' })
    const [other] = (await run(bed, [wait, null])) as [Job]
    const broken = await bed.add(leak, null, { maxAttempts: 1 })
    expect(await worker.exited).toEqual({ code: 1, signal: null })
    expect(fatal(worker)).toEqual(['an error that nobody caught; stopping'])
    // Whose error it was nobody can tell. Neither may break one process after the other, for ever.
    expect(await bed.read(broken)).toMatchObject({ status: 'failed', error: { kind: 'crashed' } })
    expect(await bed.read(other)).toMatchObject({ attemptsUsed: 1, error: { kind: 'crashed' } })
    expect(await listWorkers(bed.redis)).toEqual([])
  })
})

describe.concurrent('a worker that is killed', () => {
  it('is forgotten after a while', async () => {
    const { bed, worker } = await start()
    await worker.kill()
    const [info] = await listWorkers(bed.redis)
    expect(info).toMatchObject({ pid: worker.pid })
    const [key = ''] = await bed.redis.keys(`*${info?.id}`)
    const ttlMs = await bed.redis.pttl(key)
    expect(ttlMs).toBeGreaterThan(0)
    expect(ttlMs).toBeLessThanOrEqual(10_000)
  })
})
