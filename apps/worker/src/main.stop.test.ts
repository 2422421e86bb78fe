import { listWorkers } from '@foliot/queue'
import { startProcess, startRedis, startWorker, type TestProcess, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { end, ignore, leak, wait } from './fixtures/jobs.ts'
import { openTestBed, type TestBed } from './fixtures/test-bed.ts'

/** A database and a worker process on it. */
async function start(env: Record<string, string> = {}) {
  const bed = await openTestBed()
  const worker = await startWorker({ FOLIOT_REDIS_URL: bed.url, FOLIOT_JOBS: './apps/worker/src/fixtures/jobs.ts', ...env })
  return { bed, worker }
}

/** A worker in this process that takes over, and succeeds with anything. */
const takeOver = (bed: TestBed) => bed.work(anything, { worker: 'the next' })

const told = (worker: TestProcess, msg: string) => worker.waitForLine(({ json }) => json?.msg === msg)

const running = ({ status }: { status: string }): boolean => status === 'running'
