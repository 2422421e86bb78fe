import { fileURLToPath } from 'node:url'
import { startWorker, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { openTestBed } from './fixtures/test-bed.ts'
import { isRunning } from './isolation/fixtures/isolated-bed.ts'
import * as jobs from './isolation/fixtures/jobs.ts'

const JOBS = fileURLToPath(new URL('./isolation/fixtures/jobs.ts', import.meta.url))

async function openWorker(env: Record<string, string> = {}) {
  const bed = await openTestBed()
  const worker = await startWorker({ FOLIOT_REDIS_URL: bed.url, FOLIOT_JOBS: JOBS, ...env })
  return { bed, worker }
}

/** Not retried, so that its end is that of its only attempt. */
const once = { maxAttempts: 1 }

describe.concurrent('a worker with isolated jobs', () => {
  it('goes on after whatever ends a process of theirs, and tells the cause', async () => {
    const { bed, worker } = await openWorker({ FOLIOT_ISOLATED_MEMORY_MB: '64' })
    const causes = {
      exit: 'exited with code 7',
      segfault: 'was killed by SIGSEGV',
      'out of memory': 'ran out of memory (heap limit 64 MB)',
      uncaught: 'exited with code 1 after an error that nobody caught: nobody caught it',
    }
    const ended = Object.entries(causes).map(async ([how, cause]) => {
      const job = await bed.end(await bed.add(jobs.die, how, once))
      expect(job).toMatchObject({
        status: 'failed',
        attemptsUsed: 1,
        error: { name: 'JobError', kind: 'crashed', message: `the process that ran this attempt ${cause}` },
      })
    })
    await Promise.all(ended)
    expect(await bed.end(await bed.add(jobs.tell, 'still here'))).toMatchObject({ output: { input: 'still here' } })
    expect(await worker.stop()).toEqual({ code: 0, signal: null })
  })

  it('kills a handler that never lets go of its event loop, and says so', async () => {
    const { bed } = await openWorker()
    const job = await bed.add(jobs.spin, null, { ...once, timeoutMs: 100 })
    const pids = (await bed.readWhen(job, ({ progress }) => progress !== null)).progress as number[]
    const other = await bed.end(await bed.add(jobs.tell, 'meanwhile'))
    expect(other.status).toBe('succeeded')
    expect(await bed.end(job)).toMatchObject({
      status: 'timed_out',
      error: { kind: 'timeout', message: 'the attempt took longer than 100 ms; its process was killed' },
    })
    await waitUntil(() => !pids.some(isRunning))
  })

  it('hands back what still runs when it has to go, and takes its processes with it', async () => {
    const { bed, worker } = await openWorker({ FOLIOT_SHUTDOWN_GRACE_MS: '0' })
    const job = await bed.add(jobs.spin, null)
    const pids = (await bed.readWhen(job, ({ progress }) => progress !== null)).progress as number[]
    expect(await worker.stop()).toEqual({ code: 0, signal: null })
    expect(await bed.read(job)).toMatchObject({ status: 'queued', attemptsUsed: 0 })
    await waitUntil(() => !pids.some(isRunning))
  })
})
