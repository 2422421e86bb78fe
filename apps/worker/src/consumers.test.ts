import { type AnyJobDefinition, defineJob, type JobContext } from '@foliot/jobs'
import { promoteJob } from '@foliot/queue'
import { createMetrics, jobMetrics } from '@foliot/telemetry'
import { waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Consumers } from './consumers.ts'
import { runnablesOf } from './fixtures/runnables.ts'
import { openTestBed, silent } from './fixtures/test-bed.ts'

const bed = await openTestBed()

const define = (name: string, queue: string, options: { version?: number } = {}): AnyJobDefinition =>
  defineJob({ name, queue, input: z.unknown(), retry: { attempts: 3 }, ...options })

/** A handler that runs until it is let go, or told to stop. */
function gate() {
  const entered = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const handler = async (_: unknown, { signal }: JobContext) => {
    entered.resolve()
    const stopped = new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    await Promise.race([release.promise, stopped])
    return 'let go'
  }
  return { entered: entered.promise, release: release.resolve, handler }
}

/** The grace of a worker whose jobs are told to stop `ms` after it is. */
const graceOf = (ms: number): number => 2000 + ms

describe('Consumers', () => {
  it('serves several queues, each with its own concurrency', async () => {
    const [mail, disk] = [define('mail.send', 'email'), define('disk.tidy', 'disk')]
    const release = Promise.withResolvers<void>()
    let most = 0
    const active = new Map<string, number>()
    const handler = async (_: unknown, { queue }: JobContext) => {
      active.set(queue, (active.get(queue) ?? 0) + 1)
      most = Math.max(most, ...active.values())
      await release.promise
      active.set(queue, Number(active.get(queue)) - 1)
    }
    const runnables = runnablesOf([mail, disk], { 'mail.send': handler, 'disk.tidy': handler })
    const consumers = await bed.work(runnables, { concurrency: 2 })
    const jobs = await Promise.all([mail, mail, mail, disk, disk, disk].map((definition) => bed.add(definition, null)))
    await waitUntil(() => consumers.running.length === 4, { everyMs: 5 })
    const running = await Promise.all(jobs.map((job) => bed.read(job)))
    expect(new Set(consumers.running)).toEqual(
      new Set(running.filter(({ status }) => status === 'running').map(({ id }) => id)),
    )
    release.resolve()
    for (const job of jobs) expect((await bed.end(job)).status).toBe('succeeded')
    expect(most).toBe(2)
    await waitUntil(() => consumers.running.length === 0, { everyMs: 5 })
  })

  it('lets a running job end when it is told to stop, and takes no other', async () => {
    const job = define('test.gate', 'stop-in-time')
    const { entered, release, handler } = gate()
    const consumers = await bed.work(runnablesOf([job], { 'test.gate': handler }), {
      concurrency: 1,
      graceMs: graceOf(60_000),
    })
    const [first, second] = [await bed.add(job, null), await bed.add(job, null)]
    await entered
    const stopped = consumers.stop()
    release()
    await stopped
    expect(await bed.read(first)).toMatchObject({ status: 'succeeded', output: 'let go' })
    expect(await bed.read(second)).toMatchObject({ status: 'queued', attempt: 0 })
  })

  it.each([0, 5])('hands back a job of priority %i that does not end, for another worker to take', async (priority) => {
    const job = define('test.gate', `stop-late-${priority}`)
    const { entered, handler } = gate()
    const consumers = await bed.work(runnablesOf([job], { 'test.gate': handler }), { graceMs: graceOf(10) })
    const added = await bed.add(job, null, { priority })
    await entered
    await consumers.stop()
    const back = await bed.read(added)
    expect(back).toMatchObject({ status: 'queued', attempt: 1, attemptsUsed: 0 })
    expect(back.timeline.at(-1)).toMatchObject({
      event: 'handed_back',
      attempt: 1,
      detail: 'the worker is shutting down',
    })
    expect(consumers.running).toEqual([])

    await bed.work(runnablesOf([job], { 'test.gate': (_: unknown, { attempt }) => attempt }), { worker: 'w2' })
    expect(await bed.end(added)).toMatchObject({ status: 'succeeded', output: 2, attempt: 2, attemptsUsed: 0 })
  })

  it('counts an attempt that does not end if the process is broken, since it may be what broke it', async () => {
    const job = define('test.gate', 'broken')
    const { entered, handler } = gate()
    const runnables = runnablesOf([job], { 'test.gate': handler })
    const consumers = await bed.work(runnables, { graceMs: graceOf(10), isBroken: () => true })
    const [added, last] = [await bed.add(job, null), await bed.add(job, null, { maxAttempts: 1 })]
    await entered
    // Redis calls it running as soon as it is claimed; the worker has to have begun with it.
    await waitUntil(() => consumers.running.includes(last.id))
    await consumers.stop()
    const error = {
      kind: 'crashed',
      message: 'an error that nobody caught ended the process while it ran this attempt',
    }
    expect(await bed.read(added)).toMatchObject({ status: 'retrying', attempt: 1, attemptsUsed: 1, error })
    expect(await bed.read(last)).toMatchObject({ status: 'failed', attempt: 1, attemptsUsed: 1, error })
  })

  it('counts how a job ended once, though an attempt that had lost it ended too', async () => {
    const job = define('test.any', 'lost')
    const metrics = createMetrics({ app: 'worker', log: silent })
    const handler = async (_: unknown, { jobId, attempt, log }: JobContext) => {
      if (attempt > 1) return 'second'
      const [lock = ''] = await bed.redis.keys(`*${jobId}:lock`)
      await bed.redis.set(lock, 'of another worker', 'PX', 500)
      // That it is lost is seen when this is written, after the handler is done.
      log.info('somebody else has it')
      return 'first'
    }
    const consumers = await bed.work(runnablesOf([job], { 'test.any': handler }), {
      metrics: jobMetrics(metrics.meter),
    })
    expect(await bed.end(await bed.add(job, null))).toMatchObject({ status: 'succeeded', output: 'second', attempt: 2 })
    await consumers.stop()
    const text = await metrics.text()
    expect(text).toContain('foliot_jobs_total{queue="lost",type="test.any",status="succeeded"} 1\n')
    expect(text).toContain('foliot_job_duration_seconds_count{queue="lost",type="test.any"} 1\n')
    expect(text).toContain('foliot_job_queue_seconds_count{queue="lost",type="test.any"} 1\n')
    await metrics.shutdown()
  })

  it('stops without a start, and twice', async () => {
    const job = define('test.any', 'twice')
    const consumers = await bed.work(runnablesOf([job], { 'test.any': () => null }))
    await Promise.all([consumers.stop(), consumers.stop()])
    await consumers.stop()
  })
})

describe('a job that a worker of its queue does not know', () => {
  const old = define('test.old', 'mixed')
  const runOld = () => bed.work(runnablesOf([old], { 'test.old': () => 'old' }), { worker: 'old' })

  /** Adds the job while only the old worker is there, then has `next` take over. */
  async function passOn(definition: AnyJobDefinition, startNext: () => Promise<Consumers>) {
    const worker = await runOld()
    const added = await bed.add(definition, 'input')
    const passed = await bed.readWhen(added, ({ status }) => status === 'scheduled')
    await worker.stop()
    const next = await startNext()
    // Nobody wants to wait for the 5 s after which it comes up again.
    await promoteJob(bed.redis, added, { by: 'the test' })
    const job = await bed.end(added)
    await next.stop()
    return { passed, job }
  }

  it('is put off without using up an attempt, until one comes that knows its type', async () => {
    const other = define('test.other', 'mixed')
    const { passed, job } = await passOn(other, () =>
      bed.work(runnablesOf([other], { 'test.other': (input: unknown) => input })),
    )
    expect(passed).toMatchObject({ attempt: 1, attemptsUsed: 0, error: null })
    expect(passed.timeline.at(-1)).toMatchObject({
      event: 'snoozed',
      detail: 'this worker has no handler for job type "test.other" in version 1',
    })
    const waitMs = Date.parse(passed.nextAttemptAt ?? '') - Date.parse(passed.timeline.at(-1)?.at ?? '')
    expect(waitMs).toBeGreaterThanOrEqual(4000)
    expect(waitMs).toBeLessThanOrEqual(6000)
    expect(job).toMatchObject({ status: 'succeeded', output: 'input', attempt: 2, attemptsUsed: 0 })
  })

  it('is put off if the worker has only an older version of its type', async () => {
    const newer = define('test.old', 'mixed', { version: 2 })
    const { passed, job } = await passOn(newer, () => bed.work(runnablesOf([newer], { 'test.old': () => 'new' })))
    expect(passed).toMatchObject({ version: 2, attemptsUsed: 0 })
    expect(job).toMatchObject({ status: 'succeeded', output: 'new', attempt: 2, attemptsUsed: 0 })
  })
})
