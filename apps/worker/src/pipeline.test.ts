import {
  type AnyJobDefinition,
  cancel,
  done,
  type Handler,
  JobError,
  LIMITS,
  snooze,
  UnrecoverableError,
} from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { details, events, openPipelineBed, throwing } from './fixtures/pipeline-bed.ts'

const bed = await openPipelineBed()
const { serve, ended } = bed

describe('a handler that returns', () => {
  it.each<[string, Handler, unknown]>([
    ['nothing', () => {}, null],
    ['null', () => null, null],
    ['a value', async (input) => ({ input }), { input: null }],
    ['done', () => done([1]), [1]],
    ['done with nothing', () => done(undefined), null],
  ])('%s: the job succeeds', async (_, handler, output) => {
    const job = await ended(handler)
    expect(job).toMatchObject({ status: 'succeeded', output, error: null, attempt: 1, attemptsUsed: 0 })
    expect(events(job)).toEqual(['created', 'started', 'succeeded'])
  })

  it('cancel: the job ends as cancelled, with the reason and without a dead letter', async () => {
    const job = await ended(() => cancel('the order is gone'), { retry: { attempts: 3 } })
    expect(job).toMatchObject({ status: 'cancelled', output: null, attempt: 1, attemptsUsed: 0 })
    expect(details(job, 'cancelled')).toEqual(['the order is gone'])
  })

  it('cancel with a reason of 5 MB: it is cut', async () => {
    const [reason = ''] = details(await ended(() => cancel('x'.repeat(5_000_000))), 'cancelled')
    expect(reason).toMatch(/^x+… \[cut from 5000000 bytes\]$/)
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(LIMITS.errorMessageBytes)
  })

  it('snooze: the job runs again after that time, and has used up no attempt', async () => {
    const job = await ended((_, { attempt }) => (attempt === 1 ? snooze(20) : { attempt }))
    expect(job).toMatchObject({ status: 'succeeded', output: { attempt: 2 }, attempt: 2, attemptsUsed: 0 })
    expect(events(job)).toEqual(['created', 'started', 'snoozed', 'started', 'succeeded'])
    expect(details(job, 'snoozed')).toEqual(['the handler asked for 20 ms'])
    const [snoozed, started] = [job.timeline[2], job.timeline[3]].map((entry) => Date.parse(entry?.at ?? ''))
    expect(Number(started) - Number(snoozed)).toBeGreaterThanOrEqual(20)
  })

  it('snooze beyond what a queue can order: it waits for the longest that it can', async () => {
    const add = await serve(() => snooze(Number.MAX_VALUE))
    const job = await bed.readWhen(await add(), ({ status }) => status === 'scheduled')
    expect(details(job, 'snoozed')).toEqual([expect.stringMatching(/, the most is 315360000000 ms$/)])
    expect(Date.parse(job.nextAttemptAt ?? '')).toBeGreaterThan(Date.now() + LIMITS.runAheadMs - 60_000)
  })

  it.each<[string, () => unknown, RegExp]>([
    ['a BigInt', () => ({ n: 1n }), /BigInt/],
    ['a function', () => () => 1, /got a function$/],
    [
      'a cycle',
      () => {
        const o: { o?: object } = {}
        o.o = o
        return o
      },
      /circular/,
    ],
    ['done with a BigInt', () => done(1n), /BigInt/],
  ])('%s: a dead letter at once, since another attempt would return the same', async (_, handler, message) => {
    const job = await ended(handler, { retry: { attempts: 3 } })
    expect(job).toMatchObject({ status: 'failed', output: null, attempt: 1, attemptsUsed: 1, maxAttempts: 3 })
    expect(job.error).toMatchObject({ kind: 'invalid_output', message: expect.stringMatching(message) })
    expect(details(job, 'failed')).toEqual(['not retried: invalid_output'])
  })

  it('what its output schema refuses: a dead letter at once, that says where', async () => {
    const job = await ended(() => ({ sum: 'x' }), { output: z.object({ sum: z.number() }), retry: { attempts: 3 } })
    expect(job).toMatchObject({ status: 'failed', attempt: 1 })
    expect(job.error).toMatchObject({ kind: 'invalid_output', message: expect.stringContaining('/sum: ') })
  })

  it('a megabyte: the output is cut, and says so', async () => {
    const job = await ended(() => 'x'.repeat(1_000_000))
    expect(job).toMatchObject({ status: 'succeeded', output: { truncated: true, bytes: 1_000_002 } })
    expect(Buffer.byteLength(JSON.stringify(job.output))).toBeLessThanOrEqual(LIMITS.outputBytes)
  })
})

describe('a handler that throws', () => {
  const cycle: Error & { self?: Error } = new Error('round')
  cycle.self = cycle
  cycle.cause = cycle
  const resist = () => {
    throw new Error('do not touch')
  }

  it.each<[string, unknown, object]>([
    ['an error', new TypeError('broken'), { name: 'TypeError', message: 'broken', kind: 'error' }],
    ['a string', 'just text', { name: 'NonError', message: 'just text', kind: 'error' }],
    ['undefined', undefined, { name: 'NonError', message: 'undefined was thrown', kind: 'error' }],
    ['null', null, { name: 'NonError', message: 'null was thrown', kind: 'error' }],
    ['an error with a cycle', cycle, { name: 'Error', message: 'round' }],
    ['a proxy that resists', new Proxy({}, { get: resist, has: resist }), { kind: 'error' }],
    [
      'an error of a kind of its own',
      new JobError('full', { kind: 'disk_full' }),
      { name: 'JobError', kind: 'disk_full' },
    ],
  ])('%s: the job fails with it', async (_, thrown, error) => {
    const job = await ended(throwing(thrown))
    expect(job).toMatchObject({ status: 'failed', output: null, attempt: 1, attemptsUsed: 1, error })
    expect(events(job)).toEqual(['created', 'started', 'attempt_failed', 'failed'])
    expect(details(job, 'failed')).toEqual(['attempt 1 of 1 failed, none left'])
  })

  it('an error that tells what the type keeps back: neither message nor stack has it', async () => {
    const input = { card: '4111-1111' }
    const add = await serve(() => {
      throw new Error('4111-1111 was refused')
    })
    const job = await bed.end(await add(input, { redact: ['card'] }))
    expect(job.error?.message).toBe('[redacted] was refused')
    expect(JSON.stringify([job.error, job.timeline])).not.toContain('4111-1111')
    const addCancelled = await serve(() => cancel('4111-1111 is blocked'))
    const cancelled = await bed.end(await addCancelled(input, { redact: ['card'] }))
    expect(details(cancelled, 'cancelled')).toEqual([expect.stringContaining('[redacted] is blocked')])
  })

  it('an error of 5 MB: message and stack are cut, and say so', async () => {
    const { error } = await ended(throwing(new Error('x'.repeat(5_000_000))))
    expect(error?.message).toMatch(/^x+… \[cut from 5000000 bytes\]$/)
    expect(Buffer.byteLength(error?.message ?? '')).toBeLessThanOrEqual(LIMITS.errorMessageBytes)
    expect(Buffer.byteLength(error?.stack ?? '')).toBeLessThanOrEqual(LIMITS.errorStackBytes)
    expect(error?.stack).toContain('pipeline.test.ts')
  })

  it('an error that calls itself a timeout: the job has failed, it is not one that timed out', async () => {
    const job = await ended(throwing(new JobError('no answer', { kind: 'timeout' })))
    expect(job).toMatchObject({ status: 'failed', error: { kind: 'timeout' } })
    expect(events(job)).toContain('attempt_failed')
  })

  it('until its attempts are used up: the timeline tells of each, and why it went on as it did', async () => {
    const failing: Handler = (_, { attempt }) => {
      throw new Error(`no ${attempt}`)
    }
    const retry = { attempts: 3, kind: 'linear', baseMs: 1, jitter: 'none' } as const
    const job = await ended(failing, { retry })
    expect(job).toMatchObject({ status: 'failed', attempt: 3, attemptsUsed: 3, error: { message: 'no 3' } })
    const failure = ['started', 'attempt_failed'] as const
    expect(events(job)).toEqual([
      'created',
      ...failure,
      'retry_scheduled',
      ...failure,
      'retry_scheduled',
      ...failure,
      'failed',
    ])
    expect(details(job, 'attempt_failed')).toEqual(['Error: no 1', 'Error: no 2', 'Error: no 3'])
    expect(details(job, 'retry_scheduled')).toEqual([
      'attempt 1 of 3 failed, linear 1 ms',
      'attempt 2 of 3 failed, linear 2 ms',
    ])
    expect(details(job, 'failed')).toEqual(['attempt 3 of 3 failed, none left'])
  })

  it('has the fingerprint of all that fail alike, of whatever job and attempt', async () => {
    const failing: Handler = (input, { attempt }) => {
      if (input === 'bad') throw new TypeError('no user')
      throw new Error(`no user ${input} in attempt ${attempt}`)
    }
    const add = await serve(failing, { retry: { attempts: 2 } })
    const fingerprints: (string | undefined)[] = []
    for (const input of [17, 4711, 'bad']) fingerprints.push((await bed.end(await add(input))).error?.fingerprint)
    const [one, same, other] = fingerprints
    expect(one).toMatch(/^error-[0-9a-f]{16}$/)
    expect(same).toBe(one)
    expect(other).not.toBe(one)
  })

  it('and then does not: the job succeeds, with the failures that it took', async () => {
    const handler: Handler = (_, { attempt }) => {
      if (attempt < 3) throw new Error('not yet')
      return 'now'
    }
    const job = await ended(handler, { retry: { attempts: 5 } })
    expect(job).toMatchObject({ status: 'succeeded', output: 'now', error: null, attempt: 3, attemptsUsed: 2 })
  })

  it('waits in between as the policy and its jitter say', async () => {
    const add = await serve(throwing(new Error('broken')), {
      retry: { attempts: 2, kind: 'exponential', baseMs: 60_000, maxMs: 60_000, jitter: 'equal' },
    })
    const job = await bed.readWhen(await add(), ({ status }) => status === 'retrying')
    const [reason = ''] = details(job, 'retry_scheduled')
    expect(reason).toMatch(/^attempt 1 of 2 failed, exponential 1 min with equal jitter: (\d\d(\.\d)? s|1 min)$/)
    const waitMs = Date.parse(job.nextAttemptAt ?? '') - Date.parse(job.timeline.at(-1)?.at ?? '')
    expect(waitMs).toBeGreaterThanOrEqual(30_000)
    expect(waitMs).toBeLessThanOrEqual(60_000)
  })

  it('an error that asks for patience: the next attempt starts no earlier', async () => {
    const add = await serve(throwing(new JobError('busy', { retryAfterMs: 90_000 })), { retry: { attempts: 2 } })
    const job = await bed.readWhen(await add(), ({ status }) => status === 'retrying')
    expect(details(job, 'retry_scheduled')).toEqual([
      "attempt 1 of 2 failed, fixed 0 ms, raised to 1.5 min by the error's retryAfterMs",
    ])
    const waitMs = Date.parse(job.nextAttemptAt ?? '') - Date.parse(job.timeline.at(-1)?.at ?? '')
    expect(waitMs).toBe(90_000)
  })

  it.each([
    ['an unrecoverable error', new UnrecoverableError('no such file'), 'unrecoverable'],
    ['an error that is not to be retried', new JobError('no', { kind: 'refused', retryable: false }), 'refused'],
  ])('%s: a dead letter at once', async (_, thrown, kind) => {
    const job = await ended(throwing(thrown), { retry: { attempts: 3 } })
    expect(job).toMatchObject({ status: 'failed', attempt: 1, attemptsUsed: 1, maxAttempts: 3, error: { kind } })
    expect(details(job, 'failed')).toEqual([`not retried: ${kind}`])
  })

  it('log lines that Redis refuses are lost, and told; the job ends as it would have', async () => {
    const refused: string[] = []
    const logging = async (_: unknown, ctx: { jobId: string; queue: string; log: { info(line: string): void } }) => {
      await bed.redis.set(`foliot:{${ctx.queue}}:${ctx.jobId}:logs`, 'no list')
      ctx.log.info('nowhere to go')
      return 'done'
    }
    const job = await ended(logging, { onLogRefused: ({ id }, error) => refused.push(`${id} ${error.message}`) })
    expect(job).toMatchObject({ status: 'succeeded', output: 'done' })
    expect(refused).toEqual([expect.stringMatching(new RegExp(`^${job.id} WRONGTYPE`))])
  })

  it('has as many attempts as the request says, not its type', async () => {
    expect(await ended(throwing(new Error('no')), { retry: { attempts: 3 } }, { maxAttempts: 1 })).toMatchObject({
      status: 'failed',
      attempt: 1,
    })
    expect(await ended(throwing(new Error('no')), {}, { maxAttempts: 2 })).toMatchObject({
      status: 'failed',
      attempt: 2,
    })
  })
})

describe('an input', () => {
  it('that breaks a rule of its schema: a dead letter at once, and the handler does not see it', async () => {
    const seen: unknown[] = []
    const add = await serve((input) => seen.push(input), {
      input: z.number().refine((n) => n % 2 === 0, 'not even'),
      retry: { attempts: 3 },
    })
    const [odd, even] = [await bed.end(await add(1)), await bed.end(await add(2))]
    expect(odd).toMatchObject({ status: 'failed', attempt: 1, error: { kind: 'invalid_input' } })
    expect(odd.error?.message).toBe('the input does not fit its schema: /: not even')
    expect(details(odd, 'failed')).toEqual(['not retried: invalid_input'])
    expect(even.status).toBe('succeeded')
    expect(seen).toEqual([2])
  })

  it('whose schema itself breaks: a dead letter, and the handler does not see it', async () => {
    const input = z.unknown().refine(() => {
      throw new Error('the rule is wrong')
    })
    const job = await ended(() => 'never', { input, retry: { attempts: 3 } })
    expect(job).toMatchObject({ status: 'failed', attempt: 1, error: { message: 'the rule is wrong' } })
  })

  it('reaches the handler as its schema makes it', async () => {
    const input = z.object({ n: z.number().default(7) }) as unknown as AnyJobDefinition['input']
    const add = await serve((value) => value, { input })
    expect((await bed.end(await add({}))).output).toEqual({ n: 7 })
  })
})

describe('a job that runs', () => {
  it('shows its progress and its log while it does', async () => {
    const reported = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const add = await serve(async (_, ctx) => {
      ctx.log.info('half way', { rows: 5 })
      await ctx.progress(50)
      reported.resolve()
      await release.promise
      ctx.log.info('done')
      return 'done'
    })
    const job = await add()
    await reported.promise
    expect(await bed.read(job)).toMatchObject({ status: 'running', progress: 50, attempt: 1, attemptsUsed: 0 })
    expect(await bed.log(job)).toEqual([expect.stringMatching(/ INFO half way \{"rows":5\}$/)])
    release.resolve()
    expect(await bed.end(job)).toMatchObject({ status: 'succeeded', progress: 50 })
    // All of it is stored before the job is seen to end.
    expect(await bed.log(job)).toHaveLength(2)
  })

  it('keeps the log of all its attempts', async () => {
    const add = await serve(
      (_, { attempt, log }) => {
        log.info(`attempt ${attempt}`)
        if (attempt < 3) throw new Error('again')
      },
      { retry: { attempts: 3 } },
    )
    const job = await bed.end(await add())
    expect((await bed.log(job)).map((line) => line.slice(-9))).toEqual(['attempt 1', 'attempt 2', 'attempt 3'])
  })
})
