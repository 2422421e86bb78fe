import { ERROR_KINDS, LIMITS, outcomeKind } from '@foliot/jobs'
import { readLog } from '@foliot/queue'
import { classifyError } from '@foliot/retries'
import { waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { toOutput } from '../output.ts'
import { isRunning, openIsolatedBed } from './fixtures/isolated-bed.ts'
import * as jobs from './fixtures/jobs.ts'

const { bed, open, perform } = await openIsolatedBed()
const isolation = open()

/** What the job's output is, or would be. */
async function outputOf(definition: Parameters<typeof perform>[1], input: unknown): Promise<unknown> {
  const performed = await perform(isolation, definition, input)
  if (performed.kind !== 'returned') throw new Error(`expected a result, got ${JSON.stringify(performed)}`)
  return JSON.parse(await toOutput(performed.value, definition))
}

describe('a handler in a process of its own', () => {
  it('gets what a handler in the worker gets, and runs elsewhere', async () => {
    const runAt = Date.now() + 1
    const job = { labels: { team: 'post' }, tenant: 'acme', maxAttempts: 7, runAt }
    const performed = await perform(isolation, jobs.tell, { a: [1, null, 'ü'] }, undefined, job)
    expect(performed.kind).toBe('returned')
    const told = JSON.parse(await toOutput((performed as { value: unknown }).value, jobs.tell))
    expect(told).toMatchObject({
      input: { a: [1, null, 'ü'] },
      type: 'iso.tell',
      queue: expect.stringMatching(/^attempt-/),
      tenant: 'acme',
      labels: { team: 'post' },
      attempt: 1,
      maxAttempts: 7,
      scheduledFor: new Date(runAt).toISOString(),
    })
    expect(told.pid).not.toBe(process.pid)
  })

  it('gets the input as its schema makes it', async () => {
    expect(await outputOf(jobs.dated, { at: '1989-11-09T18:53:00Z' })).toBe(1989)
  })

  it('has its result checked, and changed once, by the schema of the output', async () => {
    expect(await outputOf(jobs.counted, [1, 2, 3])).toBe(3)
    const refused = await perform(isolation, jobs.counted, 'three')
    expect(classifyError((refused as { thrown: unknown }).thrown)).toMatchObject({
      name: 'UnrecoverableError',
      kind: ERROR_KINDS.invalid_output,
      retryable: false,
      message: expect.stringContaining("the handler's result does not fit its schema"),
    })
  })

  it.each([
    ['nothing', null],
    ['done', { n: 1 }],
    ['class instance', { price: '5 ct' }],
    ['large output', expect.objectContaining({ truncated: true, bytes: 100_002 })],
  ])('may end with %s', async (how, output) => {
    expect(await outputOf(jobs.end, how)).toEqual(output)
  })

  it('may end with an outcome', async () => {
    const snoozed = await perform(isolation, jobs.end, 'snooze')
    expect(snoozed).toMatchObject({ kind: 'outcome', outcome: { ms: 1234 } })
    expect(snoozed.kind === 'outcome' && outcomeKind(snoozed.outcome)).toBe('snooze')
    const cancelled = await perform(isolation, jobs.end, 'cancel')
    expect(cancelled).toMatchObject({ kind: 'outcome', outcome: { reason: 'not wanted' } })
    expect(cancelled.kind === 'outcome' && outcomeKind(cancelled.outcome)).toBe('cancel')
  })

  it.each([
    ['bigint', ERROR_KINDS.invalid_output],
    ['broken snooze', ERROR_KINDS.error],
  ])('fails with what cannot be a result: %s', async (how, kind) => {
    const { thrown } = (await perform(isolation, jobs.end, how)) as { thrown: unknown }
    expect(classifyError(thrown).kind).toBe(kind)
  })

  it.each(Object.entries(jobs.THROWN))('throws as it would in the worker: %s', async (how, make) => {
    const performed = await perform(isolation, jobs.fail, how)
    expect(performed.kind).toBe('threw')
    const { stack, ...there } = classifyError((performed as { thrown: unknown }).thrown)
    const { stack: stackHere, ...here } = classifyError(make())
    expect(there).toEqual(here)
    // How it writes an empty message is the engine's affair.
    const linesOf = (text = '') => text.split(/:? *\n/).filter((line) => !/^ +at /.test(line))
    if (Buffer.byteLength(stackHere ?? '') < LIMITS.errorStackBytes) expect(linesOf(stack)).toEqual(linesOf(stackHere))
    if (stackHere !== undefined) expect(stack).toMatch(/isolation\/fixtures\/jobs\.ts:\d+/)
  })

  it('writes its log and its progress and keeps its steps as any attempt does', async () => {
    const job = await bed.add(jobs.write, { lines: 3 })
    let log: string[] = []
    let stored: unknown
    const performed = await perform(isolation, jobs.write, { lines: 3 }, async ({ attempt, run, progress }) => {
      const { value } = (await run.done) as { value: unknown }
      await attempt.flushLog()
      log = await readLog(bed.redis, attempt.claim)
      stored = await progress()
      expect(JSON.parse(await toOutput(value, jobs.write))).toEqual({ thought: isolation.pids[0] })
    })
    expect(performed.kind).toBe('returned')
    expect(stored).toEqual({ half: true })
    expect(log.map((line) => line.replace(/^\S+ /, ''))).toEqual([
      'INFO line 1',
      'INFO line 2',
      'INFO line 3',
      `WARN kept {"thought":${isolation.pids[0]}}`,
    ])
    expect(job.progress).toBeNull()
  })

  it('keeps the last lines of more than a job may have', async () => {
    await perform(isolation, jobs.write, { lines: 10_000 }, async ({ attempt, run }) => {
      await run.done
      await attempt.flushLog()
      const lines = (await readLog(bed.redis, attempt.claim)).map((line) => line.replace(/^\S+ /, ''))
      expect(lines).toHaveLength(LIMITS.logLines)
      expect(lines.slice(-3)).toEqual(['INFO line 9999', 'INFO line 10000', expect.stringMatching(/^WARN kept/)])
    })
  })

  it('has stored all progress by the time that it is done, in order, also what nobody waited for', async () => {
    await perform(isolation, jobs.rush, 1000, async ({ run, progress }) => {
      await run.done
      expect(await progress()).toBe(1000)
    })
  })
})

describe('a process that dies of its job', () => {
  it.each([
    ['exit', 'exited with code 7'],
    ['segfault', 'was killed by SIGSEGV'],
    ['out of memory', 'ran out of memory (heap limit 64 MB)'],
    ['uncaught', 'exited with code 1 after an error that nobody caught: nobody caught it'],
    ['rejection', 'exited with code 1 after an error that nobody caught: nobody awaited it'],
    ['disconnect', 'exited with code 0'],
  ])('fails the attempt with its cause: %s', async (how, cause) => {
    const small = open({ memoryMb: 64 })
    await perform(small, jobs.die, how, async ({ attempt, run }) => {
      const performed = await run.done
      expect(performed.kind).toBe('threw')
      expect(classifyError((performed as { thrown: unknown }).thrown)).toMatchObject({
        name: 'JobError',
        kind: ERROR_KINDS.crashed,
        message: `the process that ran this attempt ${cause}`,
        retryable: true,
        ...(how === 'uncaught' && { stack: expect.stringContaining('caused by: TypeError: nobody caught it') }),
      })
      await attempt.flushLog()
      expect(await readLog(bed.redis, attempt.claim)).toEqual([expect.stringMatching(/INFO last words$/)])
    })
    expect(await outputOf(jobs.tell, 'the next one')).toMatchObject({ input: 'the next one' })
  })

  it('takes with it what its handler has started', async () => {
    await perform(isolation, jobs.spin, null, async ({ run, progress }) => {
      const [pid, started] = await progress<[number, number]>()
      expect(isRunning(started)).toBe(true)
      process.kill(pid, 'SIGSEGV')
      expect(await run.done).toMatchObject({ kind: 'threw', thrown: { message: expect.stringContaining('SIGSEGV') } })
      await waitUntil(() => !isRunning(started))
    })
  })
})

describe('a handler that is told to stop', () => {
  it.each(['timeout', 'shutdown'] as const)(
    'sees the reason of its signal, and may end with a result: %s',
    async (reason) => {
      await perform(isolation, jobs.wait, 'tell', async ({ attempt, run, progress }) => {
        await progress()
        attempt.stop(reason)
        const { value } = (await run.done) as { value: unknown }
        const { name, message } = attempt.signal.reason
        expect(JSON.parse(await toOutput(value, jobs.wait))).toEqual({ name, message, stopReason: reason })
      })
    },
  )

  it('may end with an error', async () => {
    await perform(isolation, jobs.wait, 'obey', async ({ attempt, run, progress }) => {
      await progress()
      attempt.stop('cancel')
      const { thrown } = (await run.done) as { thrown: unknown }
      expect(classifyError(thrown)).toMatchObject({ name: 'AbortError', message: 'the job was cancelled' })
    })
  })

  it('is not called if that happens before its process is there', async () => {
    await perform(open(), jobs.tell, null, async ({ attempt, run }) => {
      attempt.stop('shutdown')
      expect(await run.done).toEqual({ kind: 'threw', thrown: attempt.signal.reason })
    })
  })

  it.each([
    ['ignores it', jobs.wait, 'ignore'],
    ['never lets go of the event loop', jobs.spin, null],
  ])('is killed if it %s', async (_, definition, input) => {
    await perform(isolation, definition, input, async ({ attempt, run, progress }) => {
      const [pid = 0] = [await progress<number | number[]>()].flat()
      attempt.stop('timeout')
      run.kill()
      expect(await run.done).toEqual({
        kind: 'stopped',
        reason: 'timeout',
        how: 'killed',
        timeoutMs: definition.timeoutMs,
      })
      expect(isRunning(pid)).toBe(false)
    })
  })
})
