import { defineJob } from '@foliot/jobs'
import { startProcess, startWorker } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openTestBed } from './fixtures/test-bed.ts'

/** As far as its caller has to know it. */
const crash = defineJob({ name: 'demo.crash', queue: 'demo', input: z.object({ times: z.int() }) })

// The death of a process is noticed when its lock has run out, after up to 7 s.
describe.concurrent('a job that kills its worker', { timeout: 60_000 }, () => {
  it('is taken over by another one, and the death counts as an attempt', async () => {
    const bed = await openTestBed()
    const env = { FOLIOT_REDIS_URL: bed.url, FOLIOT_JOBS: '@foliot/example-demo' }
    const workers = await Promise.all([startWorker(env), startWorker(env)])
    const job = await bed.end(await bed.add(crash, { times: 1 }))
    expect(job).toMatchObject({ status: 'succeeded', output: { attempt: 2 }, attempt: 2, attemptsUsed: 1 })
    expect(job.timeline.map(({ event }) => event)).toEqual([
      'created',
      'started',
      'worker_lost',
      'started',
      'succeeded',
    ])

    const victim = await Promise.race(workers.map((worker) => worker.exited.then(() => worker)))
    expect(await victim.exited).toEqual({ code: null, signal: 'SIGKILL' })
    const survivor = workers.find((worker) => worker !== victim)
    const about = survivor?.lines.filter(({ json }) => json?.jobId === job.id).map(({ json }) => json?.msg)
    expect(about).toEqual(['the worker of this job stopped answering; the job is queued again'])
    expect(await survivor?.stop()).toEqual({ code: 0, signal: null })
  })

  it('becomes a dead letter when its attempts are used up, though no attempt ever reported', async () => {
    const bed = await openTestBed()
    const env = { FOLIOT_REDIS_URL: bed.url, FOLIOT_JOBS: '@foliot/example-demo', FOLIOT_WORKER_PORT: '0' }
    // Not startWorker: it may be killed before it is ready.
    const start = () => startProcess({ entry: 'apps/worker/src/main.ts', env })
    const job = await bed.add(crash, { times: 5 }, { maxAttempts: 2 })
    for (let death = 1; death <= 2; death++) {
      const worker = await start()
      expect(await worker.exited).toEqual({ code: null, signal: 'SIGKILL' })
      // Nobody wants to wait for the lock as well.
      const [lock = ''] = await bed.redis.keys(`*${job.id}:lock`)
      expect(await bed.redis.del(lock)).toBe(1)
    }
    const worker = await start()
    const dead = await bed.end(job)
    expect(dead).toMatchObject({
      status: 'failed',
      attempt: 2,
      attemptsUsed: 2,
      maxAttempts: 2,
      error: { kind: 'crashed', message: 'the process that ran the last attempt died, and no attempt is left' },
    })
    expect(dead.timeline.filter(({ event }) => event === 'worker_lost')).toHaveLength(2)
    await worker.waitForLine(({ json }) => json?.jobId === job.id)
    expect(worker.lines.find(({ json }) => json?.jobId === job.id)?.json).toMatchObject({
      level: 'error',
      msg: 'the worker of this job stopped answering; the job is a dead letter',
    })
    expect(await worker.stop()).toEqual({ code: 0, signal: null })
  })

  it('becomes a dead letter at the third death, whatever attempts are left', async () => {
    const bed = await openTestBed()
    const env = { FOLIOT_REDIS_URL: bed.url, FOLIOT_JOBS: '@foliot/example-demo', FOLIOT_WORKER_PORT: '0' }
    const start = () => startProcess({ entry: 'apps/worker/src/main.ts', env })
    const job = await bed.add(crash, { times: 50 }, { maxAttempts: 50 })
    for (let death = 1; death <= 3; death++) {
      expect(await (await start()).exited).toEqual({ code: null, signal: 'SIGKILL' })
      const [lock = ''] = await bed.redis.keys(`*${job.id}:lock`)
      expect(await bed.redis.del(lock)).toBe(1)
    }
    const worker = await start()
    const dead = await bed.end(job)
    expect(dead).toMatchObject({ status: 'failed', attempt: 3, attemptsUsed: 3, maxAttempts: 50 })
    expect(dead.error).toMatchObject({
      kind: 'crashed',
      message: expect.stringContaining('died under this job 3 times'),
    })
    expect(dead.timeline.filter(({ event }) => event === 'worker_lost')).toHaveLength(3)
    expect(await worker.stop()).toEqual({ code: 0, signal: null })
  })
})
