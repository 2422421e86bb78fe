import { LIMITS } from '@foliot/jobs'
import { readJob, readLog } from '@foliot/queue'
import { describe, expect, it } from 'vitest'
import { createContext } from './context.ts'
import { openTestBed } from './fixtures/test-bed.ts'

const bed = await openTestBed()

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /

/** The lines that `write` leaves in the job's log, without their times. */
const linesOf = (
  write: (log: ReturnType<typeof createContext>['log']) => void,
  redact: readonly string[] = [],
): Promise<string[]> =>
  bed.attempt(
    async (attempt) => {
      write(createContext(attempt).log)
      await attempt.flushLog()
      const lines = await readLog(bed.redis, attempt.claim)
      for (const line of lines) expect(line).toMatch(TIME)
      return lines.map((line) => line.replace(TIME, ''))
    },
    { redact },
  )

const progressAfter = (value: unknown): Promise<unknown> =>
  bed.attempt(async (attempt) => {
    await createContext(attempt).progress(value)
    return (await readJob(bed.redis, [attempt.claim.queue], attempt.claim.id)).progress
  })

describe('createContext', () => {
  it('logs no field that the type keeps back', async () => {
    const lines = await linesOf((log) => log.info('paid', { order: 1, card: { number: 'secret' } }), ['card'])
    expect(lines).toEqual(['INFO paid {"order":1,"card":"[redacted]"}'])
  })

  it('logs and reports nothing of the input that the type keeps back, wherever it stands', async () => {
    const input = { card: '4111-1111', name: 'Jo Doe' }
    const job = { redact: ['card'], input, inputText: JSON.stringify(input) }
    const [lines, progress] = await bed.attempt(async (attempt) => {
      const ctx = createContext(attempt)
      ctx.log.info('paid with 4111-1111 by Jo Doe', { note: '4111-1111' })
      await ctx.progress({ card: 'another', done: 1 })
      await attempt.flushLog()
      const { progress } = await readJob(bed.redis, [attempt.claim.queue], attempt.claim.id)
      return [await readLog(bed.redis, attempt.claim), progress]
    }, job)
    expect(lines).toEqual([expect.stringMatching(/ INFO paid with \[redacted\] by Jo Doe {"note":"\[redacted\]"}$/)])
    expect(progress).toEqual({ card: '[redacted]', done: 1 })
  })

  it('tells the handler what it may know', async () => {
    const runAt = Date.now() + 1
    const { ctx, claim } = await bed.attempt(
      async (attempt) => ({ ctx: { ...createContext(attempt) }, claim: attempt.claim }),
      { type: 'mail.send', labels: { team: 'post' }, tenant: 'acme', maxAttempts: 7, runAt },
    )
    expect(ctx).toMatchObject({
      jobId: claim.id,
      type: 'mail.send',
      queue: claim.queue,
      tenant: 'acme',
      labels: { team: 'post' },
      attempt: 1,
      maxAttempts: 7,
      scheduledFor: new Date(runAt),
    })
  })

  it('means a job that was not delayed for the time when it was made', async () => {
    const { ctx, claim } = await bed.attempt(async (attempt) => ({
      ctx: { ...createContext(attempt) },
      claim: attempt.claim,
    }))
    expect(ctx.scheduledFor).toEqual(new Date(claim.createdAt))
  })

  it('gives one signal, which aborts when the attempt is stopped', async () => {
    await bed.attempt(async (attempt) => {
      const ctx = createContext(attempt)
      expect(ctx.signal).toBe(ctx.signal)
      expect(ctx.signal.aborted).toBe(false)
      attempt.stop('timeout')
      expect(ctx.signal.aborted).toBe(true)
      expect(ctx.signal.reason).toMatchObject({ name: 'AbortError', stopReason: 'timeout' })
    })
  })
})

describe('ctx.progress', () => {
  it.each([0, 50, null, 'half', { done: 1, of: 2 }, [1]])('stores %j, readable when it resolves', async (value) => {
    expect(await progressAfter(value)).toEqual(value)
  })

  it('cuts 10 KB to the limit, and says so', async () => {
    const progress = await progressAfter('"'.repeat(10_000))
    expect(progress).toMatchObject({ truncated: true, bytes: 20_002 })
    expect(Buffer.byteLength(JSON.stringify(progress))).toBeLessThanOrEqual(LIMITS.progressBytes)
  })

  it('rejects a value that JSON cannot say, rather than to throw in the face of who does not wait', async () => {
    await bed.attempt(async (attempt) => {
      const promise = createContext(attempt).progress(1n)
      await expect(promise).rejects.toMatchObject({
        kind: 'invalid_output',
        message: expect.stringContaining('BigInt'),
      })
    })
  })
})

describe('ctx.log', () => {
  it('keeps lines in order with their level and fields', async () => {
    const lines = await linesOf((log) => {
      log.debug('looking')
      log.info('found', { rows: 2, file: { name: 'a b' } })
      log.warn('odd', {})
      log.error('gone')
    })
    expect(lines).toEqual(['DEBUG looking', 'INFO found {"rows":2,"file":{"name":"a b"}}', 'WARN odd {}', 'ERROR gone'])
  })

  it('keeps the last 1000 of 10 000 lines', async () => {
    const lines = await linesOf((log) => {
      for (let i = 1; i <= 10_000; i++) log.info(`line ${i}`)
    })
    expect(lines).toEqual(Array.from({ length: LIMITS.logLines }, (_, i) => `INFO line ${9001 + i}`))
  })

  it('keeps lines that are written while others are on their way', async () => {
    const lines = await bed.attempt(async (attempt) => {
      const { log } = createContext(attempt)
      for (let i = 0; i < 20; i++) {
        log.info(`line ${i}`)
        if (i % 3 === 0) await new Promise(setImmediate)
      }
      await attempt.flushLog()
      return (await readLog(bed.redis, attempt.claim)).map((line) => line.replace(TIME, ''))
    })
    expect(lines).toEqual(Array.from({ length: 20 }, (_, i) => `INFO line ${i}`))
  })

  it('cuts a long message and large fields to the limit of a line, and says so', async () => {
    const [message, fields] = await linesOf((log) => {
      log.info('x'.repeat(100_000))
      log.info('rows', { text: 'x'.repeat(100_000) })
    })
    expect(message).toMatch(/^INFO x+… \[cut from \d+ bytes\]$/)
    expect(fields).toMatch(/^INFO rows \{"truncated":true,"bytes":100011,"preview":/)
    for (const line of [message, fields]) expect(Buffer.byteLength(line ?? '')).toBeLessThanOrEqual(LIMITS.logLineBytes)
  })

  it('shows fields that JSON cannot say, rather than to fail the job', async () => {
    const cycle: Record<string, unknown> = { n: 10n }
    cycle.self = cycle
    const hostile = {
      toJSON: () => {
        throw new Error('never')
      },
    }
    expect(
      await linesOf((log) => [log.info('big', { n: 1n }), log.info('round', cycle), log.info('hostile', hostile)]),
    ).toEqual([
      'INFO big { n: 1n }',
      'INFO round <ref *1> { n: 10n, self: [Circular *1] }',
      'INFO hostile { toJSON: [Function: toJSON] }',
    ])
  })
})
