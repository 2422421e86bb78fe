import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cancel, defineJob, done, type Handler, type JobContext } from '@foliot/jobs'
import type { NewJob, StopReason } from '@foliot/queue'
import { atEndOfFile, temporaryFolder } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { noIsolation, openTestBed, silent } from './fixtures/test-bed.ts'
import { Isolation } from './isolation/isolation.ts'
import { perform } from './perform.ts'

const bed = await openTestBed()

interface Run {
  timeoutMs?: number
  stopGraceMs?: number
  onAbandoned?: (ended: Promise<unknown>) => void
  /** Stops the attempt from outside as soon as the handler runs. */
  stop?: StopReason
  /** Stops it before that. */
  stopBefore?: StopReason
  job?: Partial<NewJob>
}

/** Performs a handler within a real attempt. */
function run(
  handler: Handler,
  { timeoutMs = 60_000, stopGraceMs = 60_000, onAbandoned = () => {}, stop, stopBefore, job }: Run = {},
) {
  const definition = defineJob({ name: 'test.any', input: z.unknown(), timeoutMs })
  return bed.attempt((attempt) => {
    const observed: Handler = (input, ctx) => {
      if (stop) setImmediate(() => attempt.stop(stop))
      return handler(input, ctx)
    }
    if (stopBefore) attempt.stop(stopBefore)
    const readable = { kind: 'readable', definition, handler: observed, input: { n: 1 } } as const
    return perform(attempt, readable, { stopGraceMs, isolation: noIsolation, onAbandoned })
  }, job)
}

/** Resolves when the handler is told to stop. */
const stopped = ({ signal }: JobContext): Promise<unknown> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason), { once: true }))

const obey: Handler = async (_, ctx) => {
  throw await stopped(ctx)
}
const never = new Promise<never>(() => {})
const ignore: Handler = () => never

describe('perform', () => {
  it('calls the handler with the input and its context', async () => {
    const performed = await run((input, { type, attempt }) => ({ input, type, attempt }))
    expect(performed).toEqual({ kind: 'returned', value: { input: { n: 1 }, type: 'test.any', attempt: 1 } })
  })

  it.each<[string, Handler, unknown]>([
    ['nothing', () => {}, undefined],
    ['null', () => null, null],
    ['a value', () => 5, 5],
    ['a promise', async () => 'later', 'later'],
  ])('takes %s that a handler returns', async (_, handler, value) => {
    expect(await run(handler)).toEqual({ kind: 'returned', value })
  })

  it('knows an outcome from a value', async () => {
    for (const outcome of [done(5), cancel('not wanted')]) {
      expect(await run(() => outcome)).toEqual({ kind: 'outcome', outcome })
    }
  })

  it.each([new Error('broken'), 'text', undefined, null, 0])('takes %s that a handler throws', async (thrown) => {
    const sync: Handler = () => {
      throw thrown
    }
    expect(await run(sync)).toEqual({ kind: 'threw', thrown })
    expect(await run(() => Promise.reject(thrown))).toEqual({ kind: 'threw', thrown })
  })

  it('takes a value that resists to be looked at for a failure', async () => {
    const hostile = new Proxy(
      {},
      {
        has: () => {
          throw new Error('do not touch')
        },
      },
    )
    expect(await run(() => hostile)).toMatchObject({ kind: 'threw', thrown: { message: 'do not touch' } })
  })

  describe('when the time is over', () => {
    it('aborts the signal with an AbortError, and does not wait for the grace to end if the handler obeys', async () => {
      let reason: unknown
      const performed = await run(
        async (_, ctx) => {
          reason = await stopped(ctx)
          throw reason
        },
        { timeoutMs: 10 },
      )
      expect(performed).toEqual({ kind: 'stopped', reason: 'timeout', how: 'cooperative', timeoutMs: 10 })
      expect(reason).toMatchObject({
        name: 'AbortError',
        stopReason: 'timeout',
        message: 'the attempt took longer than its timeout',
      })
    })

    it('goes on without a handler that ignores it, after the grace', async () => {
      expect(await run(ignore, { timeoutMs: 10, stopGraceMs: 10 })).toEqual({
        kind: 'stopped',
        reason: 'timeout',
        how: 'abandoned',
        timeoutMs: 10,
      })
    })

    it('tells of a handler that is abandoned, and when that ends after all', async () => {
      const gate = Promise.withResolvers<void>()
      const abandoned: Promise<unknown>[] = []
      const stubborn: Handler = () => gate.promise
      await run(stubborn, { timeoutMs: 10, stopGraceMs: 10, onAbandoned: (ended) => abandoned.push(ended) })
      expect(abandoned).toHaveLength(1)
      gate.resolve()
      await Promise.all(abandoned)
    })

    it('goes by the deadline of the job if that comes before the timeout', async () => {
      const performed = await run(obey, { job: { deadlineAt: Date.now() + 10 } })
      expect(performed).toMatchObject({ kind: 'stopped', reason: 'deadline', how: 'cooperative' })
    })

    it('does not take a result that comes after it', async () => {
      const late: Handler = async (_, ctx) => {
        await stopped(ctx)
        return 'late'
      }
      expect(await run(late, { timeoutMs: 10 })).toMatchObject({ kind: 'stopped', reason: 'timeout' })
    })

    it('takes the timeout of the request rather than that of the type, be it shorter or longer', async () => {
      expect(await run(obey, { job: { timeoutMs: 10 } })).toEqual({
        kind: 'stopped',
        reason: 'timeout',
        how: 'cooperative',
        timeoutMs: 10,
      })
      const patient: Handler = () => new Promise((resolve) => setTimeout(() => resolve('in time'), 30))
      expect(await run(patient, { timeoutMs: 1, job: { timeoutMs: 60_000 } })).toEqual({
        kind: 'returned',
        value: 'in time',
      })
    })
  })

  describe('while the process of an isolated job starts', () => {
    /** Performs a job with a timeout of 1 ms in a process that has to load this module first. */
    async function start(module: string, job: Partial<NewJob>) {
      const file = join(await temporaryFolder(), 'module.mjs')
      await writeFile(file, module)
      const isolation = new Isolation({ modules: [file], folder: process.cwd(), memoryMb: 512, log: silent })
      atEndOfFile(() => isolation.stop())
      const definition = defineJob({ name: 'test.any', input: z.unknown(), timeoutMs: 1, isolation: 'process' })
      const readable = { kind: 'readable', definition, handler: () => null, input: null } as const
      const options = { stopGraceMs: 10, isolation, onAbandoned: () => undefined }
      return bed.attempt((attempt) => perform(attempt, readable, options), job)
    }

    it('goes by the deadline of the job all the same', async () => {
      const endless = 'setInterval(() => {}, 1000); await new Promise(() => {})'
      expect(await start(endless, { deadlineAt: Date.now() + 50 })).toMatchObject({
        kind: 'stopped',
        reason: 'deadline',
        how: 'killed',
      })
    })

    it('does not count that against the timeout, nor is it ended by a deadline in years', async () => {
      const performed = await start('throw new Error("too late for 1 ms")', { deadlineAt: Date.now() + 2 ** 36 })
      expect(performed).toMatchObject({ kind: 'threw', thrown: { message: expect.stringContaining('too late') } })
    })
  })

  describe('when the worker shuts down', () => {
    it('takes a result that still comes', async () => {
      const finish: Handler = async (_, ctx) => {
        await stopped(ctx)
        return 'done in time'
      }
      expect(await run(finish, { stop: 'shutdown' })).toEqual({ kind: 'returned', value: 'done in time' })
    })

    it('counts nothing that a handler throws as it is told to stop', async () => {
      expect(await run(obey, { stop: 'shutdown' })).toMatchObject({
        kind: 'stopped',
        reason: 'shutdown',
        how: 'cooperative',
      })
    })

    it('goes on without a handler that ignores it, whatever its grace after a timeout', async () => {
      expect(await run(ignore, { stop: 'shutdown' })).toMatchObject({ kind: 'stopped', reason: 'shutdown' })
    })
  })

  it('ends when the job is cancelled, and says how its handler took it', async () => {
    expect(await run(obey, { stop: 'cancel' })).toMatchObject({ kind: 'stopped', reason: 'cancel', how: 'cooperative' })
    const performed = await run(ignore, { stop: 'cancel', stopGraceMs: 10 })
    expect(performed).toMatchObject({ kind: 'stopped', reason: 'cancel', how: 'abandoned' })
  })

  it('calls no handler if the attempt was told to stop before', async () => {
    const calls: unknown[] = []
    const performed = await run((input) => void calls.push(input), { stopBefore: 'cancel' })
    expect(performed).toMatchObject({ kind: 'stopped', reason: 'cancel', how: 'cooperative' })
    expect(calls).toEqual([])
  })

  it('does not take a result once the job has another owner', async () => {
    const late: Handler = async (_, ctx) => {
      await stopped(ctx)
      return 'late'
    }
    expect(await run(late, { stop: 'lost' })).toMatchObject({ kind: 'stopped', reason: 'lost' })
    expect(await run(ignore, { stop: 'lost', stopGraceMs: 10 })).toMatchObject({ kind: 'stopped', reason: 'lost' })
  })
})
