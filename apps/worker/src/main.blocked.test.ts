import { defineJob } from '@foliot/jobs'
import { cancelJob } from '@foliot/queue'
import { startWorker } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openTestBed } from './fixtures/test-bed.ts'

/** As far as their caller has to know them. */
const duration = z.object({ ms: z.int() })
const spin = defineJob({ name: 'demo.spin', queue: 'demo', input: duration })
const sleep = defineJob({ name: 'demo.sleep', queue: 'demo', input: duration })
const echo = defineJob({ name: 'demo.echo', queue: 'demo', input: z.string() })

const HOUR_MS = 60 * 60 * 1000

// A lock lasts 5 s, and the watchdog waits for the grace of the handler, which is 5 s too.
describe.concurrent('a job that blocks the event loop of its worker', { timeout: 60_000 }, () => {
  it('costs neither itself nor its neighbours a second start, however long a lock lasts', async () => {
    const bed = await openTestBed()
    const env = { FOLIOT_REDIS_URL: bed.url, FOLIOT_JOBS: '@foliot/example-demo' }
    const jobs = [await bed.add(sleep, { ms: 1000 }), await bed.add(spin, { ms: 8000 })]
    for (let n = 0; n < 20; n++) jobs.push(await bed.add(echo, `${n}`))
    await Promise.all([startWorker(env), startWorker(env)])
    for (const job of jobs) {
      const { status, timeline } = await bed.end(job)
      expect([status, ...timeline.map(({ event }) => event)]).toEqual(['succeeded', 'created', 'started', 'succeeded'])
    }
  })

  it('past its timeout has its worker killed; it has timed out, and its neighbours go on elsewhere', async () => {
    const bed = await openTestBed()
    const env = { FOLIOT_REDIS_URL: bed.url, FOLIOT_JOBS: '@foliot/example-demo' }
    const workers = await Promise.all([startWorker(env), startWorker(env)])
    const neighbours = [await bed.add(sleep, { ms: 3000 }), await bed.add(sleep, { ms: 3000 })]
    const endless = await bed.add(spin, { ms: HOUR_MS }, { timeoutMs: 1000, maxAttempts: 1 })
    const victim = await Promise.race(workers.map((worker) => worker.exited.then(() => worker)))
    expect(await victim.exited).toEqual({ code: null, signal: 'SIGKILL' })
    expect(JSON.parse(victim.errorText)).toMatchObject({
      level: 'fatal',
      msg: 'the main loop is blocked past the timeout of a job: killing this process',
      jobs: [{ queue: 'demo', jobId: endless.id, attempt: 1 }],
    })
    const dead = await bed.end(endless)
    expect(dead).toMatchObject({ status: 'timed_out', attempt: 1, attemptsUsed: 1, error: { kind: 'timeout' } })
    expect(dead.timeline.map(({ event }) => event)).toEqual(['created', 'started', 'timed_out'])
    for (const job of neighbours) expect((await bed.end(job)).status).toBe('succeeded')
    const survivor = workers.find((worker) => worker !== victim)
    expect(await survivor?.stop()).toEqual({ code: 0, signal: null })
  })

  it('alone, and is cancelled, has its worker killed long before its timeout; it is cancelled, and others go on elsewhere', async () => {
    const bed = await openTestBed()
    const env = { FOLIOT_REDIS_URL: bed.url, FOLIOT_JOBS: '@foliot/example-demo' }
    const workers = await Promise.all([startWorker(env), startWorker(env)])
    const endless = await bed.add(spin, { ms: HOUR_MS }, { timeoutMs: HOUR_MS })
    await bed.readWhen(endless, ({ status }) => status === 'running')
    expect((await cancelJob(bed.redis, endless, { by: 'ops', reason: 'wrong input' })).status).toBe('running')
    const others = [await bed.add(sleep, { ms: 3000 }), await bed.add(sleep, { ms: 3000 })]
    const victim = await Promise.race(workers.map((worker) => worker.exited.then(() => worker)))
    expect(await victim.exited).toEqual({ code: null, signal: 'SIGKILL' })
    expect(JSON.parse(victim.errorText)).toMatchObject({
      level: 'fatal',
      msg: 'the main loop is blocked past the cancellation of a job: killing this process',
      jobs: [{ queue: 'demo', jobId: endless.id, attempt: 1 }],
    })
    const { status, attempt, timeline } = await bed.end(endless)
    expect({ status, attempt }).toEqual({ status: 'cancelled', attempt: 1 })
    expect(timeline.map(({ event }) => event)).toEqual(['created', 'started', 'worker_lost', 'cancelled'])
    expect(timeline.at(-1)?.detail).toBe('wrong input; its process was killed')
    for (const job of others) expect((await bed.end(job)).status).toBe('succeeded')
    const survivor = workers.find((worker) => worker !== victim)
    expect(await survivor?.stop()).toEqual({ code: 0, signal: null })
  })
})
