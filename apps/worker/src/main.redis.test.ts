import * as demo from '@foliot/example-demo/jobs'
import type { Job } from '@foliot/jobs'
import { listWorkers } from '@foliot/queue'
import { startProcess, startRedis, startWorker, type TestProcess, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { end, wait } from './fixtures/jobs.ts'
import { openTestBed } from './fixtures/test-bed.ts'

const FOLIOT_JOBS = './apps/worker/src/fixtures/jobs.ts'

/** Lines that tell of Redis. */
const news = (worker: TestProcess): unknown[] =>
  worker.lines.map(({ json }) => json?.msg).filter((msg) => typeof msg === 'string' && msg.startsWith('Redis'))

const away = (port: number) =>
  expect.stringMatching(new RegExp(`^Redis at 127\\.0\\.0\\.1:${port} is away; trying again until it is back: `))

describe.concurrent('a worker whose Redis refuses writes', () => {
  it.each([
    ['is full', ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0'], 'succeeded'],
    // Of a primary that nobody is. Nothing can be renewed there: the lock runs out.
    ['is a replica that may only be read', ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE'], 'queued'],
  ])('because it %s ends what runs, uses up no attempt, and says so once', async (state, begin, end, outlasted) => {
    const { url } = await startRedis()
    const worker = await startWorker({ FOLIOT_REDIS_URL: url, FOLIOT_JOBS: '@foliot/example-demo' })
    const bed = await openTestBed(url)
    const jobs = [
      await bed.add(demo.progress, { steps: 40, stepMs: 50 }),
      await bed.add(demo.sleep, { ms: 1500 }),
      await bed.add(demo.sleep, { ms: 6000 }),
      await bed.add(demo.log, { lines: 10 }, { runAt: Date.now() + 1000 }),
    ]
    await bed.readWhen(jobs[2] as Job, ({ status }) => status === 'running')
    await bed.redis.call(...(begin as [string, ...string[]]))
    await worker.waitForLine(({ json }) => String(json?.msg).startsWith(`Redis ${state}`))
    // Longer than a lock lasts without renewal.
    await bed.readWhen(jobs[2] as Job, ({ status }) => status === outlasted)
    await bed.redis.call(...(end as [string, ...string[]]))
    for (const job of jobs) {
      expect(await bed.end(job)).toMatchObject({ status: 'succeeded', attempt: 1, attemptsUsed: 0 })
    }
    await worker.waitForLine(({ json }) => /takes writes again/.test(String(json?.msg)))
    expect(news(worker)).toEqual([
      expect.stringContaining(`Redis ${state}`),
      expect.stringMatching(/^Redis at \S+ takes writes again$/),
    ])
    expect(await worker.stop()).toEqual({ code: 0, signal: null })
  })
})

describe.concurrent('a worker whose Redis is away', () => {
  it('waits for it at the start: alive, but not ready', async () => {
    const { dir, port, url, ...redis } = await startRedis()
    await redis.kill()
    const worker = await startProcess({
      entry: 'apps/worker/src/main.ts',
      env: { FOLIOT_REDIS_URL: url, FOLIOT_JOBS, FOLIOT_WORKER_PORT: '0', FOLIOT_SUPERVISED: '1' },
      until: ({ text }) => text.includes('is away'),
    })
    await startRedis({ dir, port })
    const ready = await worker.waitForLine(({ json }) => json?.msg === 'ready')
    expect(news(worker)).toEqual([away(port), 'Redis is back'])
    const bed = await openTestBed(url)
    expect((await bed.end(await bed.add(end, 'succeed'))).status).toBe('succeeded')
    expect((await fetch(`${ready.json?.url}/readyz`)).status).toBe(200)
    await worker.stop()
  })

  it('goes on when it is back, with one line for the loss and one for the return', async () => {
    const { dir, port, url, ...redis } = await startRedis()
    const worker = await startWorker({ FOLIOT_REDIS_URL: url, FOLIOT_JOBS: `${FOLIOT_JOBS},@foliot/example-demo` })
    const bed = await openTestBed(url)
    expect((await bed.end(await bed.add(end, 'succeed'))).status).toBe('succeeded')

    await redis.kill()
    await worker.waitForLine(({ text }) => text.includes('is away'))
    expect((await fetch(`${worker.url}/healthz`)).status).toBe(200)
    expect((await fetch(`${worker.url}/readyz`)).status).toBe(503)
    await startRedis({ dir, port })

    expect((await bed.end(await bed.add(end, 'succeed'))).status).toBe('succeeded')
    await worker.waitForLine(({ json }) => json?.msg === 'Redis is back')
    expect((await fetch(`${worker.url}/healthz`)).status).toBe(200)
    expect(news(worker)).toEqual([away(port), 'Redis is back'])
    // Its last heartbeat may have run out while Redis was away.
    const workers = await waitUntil(async () => {
      const live = await listWorkers(bed.redis)
      return live.length > 0 ? live : undefined
    })
    expect(workers).toMatchObject([{ pid: worker.pid, state: 'running' }])
    expect(await worker.stop()).toEqual({ code: 0, signal: null })
    expect(worker.lines.filter(({ json }) => json?.level === 'error')).toHaveLength(1)
  })

  it('ends, in one clear line, if it does not let the worker in any more', async () => {
    const { url } = await startRedis()
    const worker = await startWorker({ FOLIOT_REDIS_URL: url, FOLIOT_JOBS, FOLIOT_SHUTDOWN_GRACE_MS: '0' })
    const { redis } = await openTestBed(url)
    await redis.config('SET', 'requirepass', 'another')
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    expect(await worker.exited).toEqual({ code: 1, signal: null })
    const [fatal, ...more] = worker.lines.filter(({ json }) => json?.level === 'fatal').map(({ json }) => json?.msg)
    expect(fatal).toMatch(/^expected FOLIOT_REDIS_URL to have a user and .*NOAUTH.*; stopping$/)
    // What still waits for an answer of Redis may outlast the stop. Nothing else is fatal.
    expect(more.filter((msg) => msg !== 'not stopped within 5000 ms; ending without it')).toEqual([])
  })

  it('does not wait for it longer than for the stop as a whole, and tells its jobs to stop all the same', async () => {
    const { port, url, ...redis } = await startRedis()
    const worker = await startWorker({ FOLIOT_REDIS_URL: url, FOLIOT_JOBS, FOLIOT_SHUTDOWN_GRACE_MS: '0' })
    const bed = await openTestBed(url)
    await bed.readWhen(await bed.add(wait, null), ({ status }) => status === 'running')
    await redis.kill()
    await worker.waitForLine(({ text }) => text.includes('is away'))
    worker.signal('SIGTERM')
    await worker.waitForLine(({ json }) => json?.msg === 'told to stop')
    expect(await worker.exited).toEqual({ code: 1, signal: null })
    expect(worker.lines.at(-1)?.json?.msg).toBe('not stopped within 5000 ms; ending without it')
    // Each of its many tries to reach Redis failed; the first was worth a line.
    expect(news(worker)).toEqual([away(port)])
  })
})
