import { defineJob, type Handler } from '@foliot/jobs'
import { cancelJob, type NewJob } from '@foliot/queue'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { details, events, openPipelineBed, throwing } from './fixtures/pipeline-bed.ts'
import { runnablesOf } from './fixtures/runnables.ts'

const bed = await openPipelineBed()
const { serve, ended } = bed

describe('a job with a deadline', () => {
  const soon = (ms: number): Partial<NewJob> => ({ deadlineAt: Date.now() + ms })
  const untilAborted: Handler = (_, { signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

  it('is dead without a start of its handler when it waited too long', async () => {
    let calls = 0
    const job = await ended(() => ++calls, {}, soon(-1))
    const error = { name: 'TimeoutError', kind: 'deadline', message: 'the deadline of the job passed while it waited' }
    expect(job).toMatchObject({ status: 'timed_out', error })
    expect(calls).toBe(0)
  })

  it('has timed out for good when it is still running then', async () => {
    const job = await ended(untilAborted, { retry: { attempts: 5 } }, soon(50))
    expect(job).toMatchObject({ status: 'timed_out', attempt: 1, error: { kind: 'deadline' } })
  })

  it('is dead now when its next attempt would come too late', async () => {
    const job = await ended(
      throwing(new Error('no')),
      { retry: { attempts: 5, baseMs: 90_000, jitter: 'none' } },
      soon(30_000),
    )
    expect(job).toMatchObject({ status: 'failed', attempt: 1, error: { message: 'no' } })
    expect(details(job, 'failed')[0]).toMatch(/not retried: the deadline is in (29|30)/)
  })
})

describe('a job that is cancelled while it runs', () => {
  it('ends with its handler, in whatever process that runs, and says who wanted it', async () => {
    const entered = Promise.withResolvers<void>()
    const add = await serve((_, { signal }) => {
      entered.resolve()
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    const job = await add()
    await entered.promise
    await cancelJob(bed.redis, job, { by: 'ops', reason: 'wrong input' })
    expect(await bed.end(job)).toMatchObject({
      status: 'cancelled',
      attempt: 1,
      attemptsUsed: 0,
      output: null,
      error: null,
    })
    expect(details(await bed.read(job), 'cancelled')).toEqual(['wrong input; its handler ended when it was told to'])
  })

  it('ends without its handler if that ignores it', async () => {
    const entered = Promise.withResolvers<void>()
    const add = await serve(
      () => {
        entered.resolve()
        return new Promise(() => undefined)
      },
      { stopGraceMs: 10 },
    )
    const job = await add()
    await entered.promise
    await cancelJob(bed.redis, job, { by: 'ops' })
    expect(details(await bed.end(job), 'cancelled')[0]).toContain('did not end and was abandoned')
  })
})

describe('a job that is cancelled when its handler was told to stop already', () => {
  /** Cancels the job when its handler is told that its time is over. */
  const cancelledLate = async (react: (signal: AbortSignal) => unknown, job: Partial<NewJob>) => {
    const add = await serve(
      async (_, { signal, jobId: id, queue }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        await cancelJob(bed.redis, { id, queue }, { by: 'ops', reason: 'wrong input' })
        return react(signal)
      },
      { timeoutMs: 10, stopGraceMs: 1000, retry: { attempts: 2, baseMs: 3_600_000 } },
    )
    return bed.end(await add(null, job))
  }

  it.each([
    ['its time was over, and it ended', (signal) => Promise.reject(signal.reason), {}, 'its handler ended when'],
    ['its time was over, and it ignored that', () => new Promise(() => {}), {}, 'was abandoned'],
    ['so was its last attempt', (signal) => Promise.reject(signal.reason), { maxAttempts: 1 }, 'its handler ended'],
  ] as [string, (signal: AbortSignal) => unknown, Partial<NewJob>, string][])(
    'has no other attempt: %s',
    async (_, react, options, how) => {
      const job = await cancelledLate(react, options)
      expect(job).toMatchObject({ status: 'cancelled', attempt: 1, attemptsUsed: 0, error: null })
      expect(details(job, 'cancelled')[0]).toMatch(/^wrong input; /)
      expect(details(job, 'cancelled')[0]).toContain(how)
    },
  )
})

describe('an attempt that takes too long', () => {
  const untilAborted: Handler = (_, { signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

  it('is tried again, and the job has timed out if the last one did', async () => {
    const job = await ended(untilAborted, { timeoutMs: 10, retry: { attempts: 2 } })
    expect(job).toMatchObject({ status: 'timed_out', attempt: 2, attemptsUsed: 2, output: null })
    expect(job.error).toMatchObject({
      name: 'TimeoutError',
      kind: 'timeout',
      message: 'the attempt took longer than 10 ms; its handler ended when it was told to',
    })
    expect(events(job)).toEqual(['created', 'started', 'timed_out', 'retry_scheduled', 'started', 'timed_out'])
    expect(details(job, 'timed_out')[0]).toMatch('TimeoutError: the attempt took longer than 10 ms')
  })

  it('waits for its next attempt as one that failed', async () => {
    const add = await serve(untilAborted, { timeoutMs: 10, retry: { attempts: 2, baseMs: 60_000 } })
    const job = await bed.readWhen(await add(), ({ status }) => status === 'retrying')
    expect(job).toMatchObject({ attempt: 1, attemptsUsed: 1, error: { kind: 'timeout' } })
  })

  it('has as much time as the request says, not its type', async () => {
    const job = await ended(untilAborted, {}, { timeoutMs: 10 })
    expect(job).toMatchObject({ status: 'timed_out', error: { message: expect.stringContaining('longer than 10 ms') } })
  })

  it('frees its slot although its handler ignores it, and what that does later goes nowhere', async () => {
    const release = Promise.withResolvers<void>()
    const over = Promise.withResolvers<void>()
    const definition = defineJob({
      name: 'test.stubborn',
      queue: 'stubborn',
      input: z.boolean(),
      timeoutMs: 10,
      retry: { attempts: 1 },
    })
    const runnables = runnablesOf([definition], {
      async 'test.stubborn'(stubborn, ctx) {
        if (!stubborn) return 'next'
        await release.promise
        ctx.log.info('still here')
        await ctx.progress('half')
        over.resolve()
        return 'late'
      },
    })
    await bed.work(runnables, { concurrency: 1, stopGraceMs: 10 })
    const stubborn = await bed.add(definition, true)
    const next = await bed.add(definition, false)
    expect(await bed.end(next)).toMatchObject({ status: 'succeeded', output: 'next' })
    const before = await bed.end(stubborn)
    expect(before).toMatchObject({ status: 'timed_out', progress: null, output: null })
    release.resolve()
    await over.promise
    expect(await bed.end(await bed.add(definition, false))).toMatchObject({ status: 'succeeded' })
    expect(await bed.read(stubborn)).toEqual(before)
    expect(await bed.log(stubborn)).toEqual([])
  })
})
