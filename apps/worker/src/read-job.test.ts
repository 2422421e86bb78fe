import { defineJob } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { claimOf } from './fixtures/claims.ts'
import { runnablesOf } from './fixtures/runnables.ts'
import { readJob } from './read-job.ts'

const span = defineJob({
  name: 'test.span',
  version: 3,
  input: z
    .object({ from: z.number(), to: z.number(), step: z.number().default(1) })
    .refine(({ from, to }) => from <= to, { path: ['to'], error: 'lies before `from`' }),
})
const slow = defineJob({
  name: 'test.slow',
  input: z.string().refine(async (text) => text === 'right', 'not right'),
})
const runnables = runnablesOf([span, slow], { 'test.span': () => null, 'test.slow': () => null })

const read = (claim: Parameters<typeof claimOf>[0], random = () => 0.5) => readJob(claimOf(claim), runnables, random)

const dead = (kind: string, message: string | RegExp) =>
  expect.objectContaining({
    name: 'UnrecoverableError',
    retryable: false,
    kind,
    message: expect.stringMatching(message),
  })

describe('readJob', () => {
  it('gives the handler and the input as the schema makes it', async () => {
    expect(await read({ type: 'test.span', input: { from: 1, to: 2, more: true } })).toEqual({
      kind: 'readable',
      definition: span,
      handler: runnables.get('test.span')?.handler,
      input: { from: 1, to: 2, step: 1 },
    })
  })

  it('waits for a schema that checks with patience', async () => {
    expect(await read({ type: 'test.slow', input: 'right' })).toMatchObject({ input: 'right' })
    await expect(read({ type: 'test.slow', input: 'wrong' })).rejects.toEqual(dead('invalid_input', /: \/: not right$/))
  })

  it.each([1, 2, 3])('reads a job of version %i, no newer than its own', async (version) => {
    expect(await read({ type: 'test.span', input: { from: 1, to: 2 }, envelope: { version } })).toMatchObject({
      kind: 'readable',
    })
  })

  it('refuses an input that breaks a rule which JSON Schema cannot say', async () => {
    await expect(read({ type: 'test.span', input: { from: 2, to: 1 } })).rejects.toEqual(
      dead('invalid_input', /^the input does not fit its schema: \/to: lies before `from`$/),
    )
  })

  it('refuses an input of the wrong shape, with every place that is wrong', async () => {
    await expect(read({ type: 'test.span', input: { from: 'x' } })).rejects.toEqual(
      dead('invalid_input', /^the input does not fit its schema: \/from: .*; \/to: /),
    )
  })

  it('refuses what the queue could not read, whatever else there is of it', async () => {
    const unreadable = 'its data is no JSON'
    await expect(read({ type: 'test.span', input: { from: 1, to: 2 }, unreadable })).rejects.toEqual(
      dead('unreadable', /^the stored job cannot be read: its data is no JSON$/),
    )
    await expect(read({ type: '', unreadable })).rejects.toEqual(dead('unreadable', /./))
  })

  it.each([
    ['a type it does not know', { type: 'test.other' }, 'job type "test.other" in version 1'],
    ['a newer version', { type: 'test.span', envelope: { version: 4 } }, 'job type "test.span" in version 4'],
  ])('passes on %s, without a word on the input', async (_, claim, wanted) => {
    expect(await read({ ...claim, input: 'anything' })).toEqual({
      kind: 'not_here',
      settlement: { kind: 'snoozed', delayMs: 5000, reason: `this worker has no handler for ${wanted}`, passes: 1 },
    })
  })

  it('spreads the jobs that it passes on', async () => {
    const delays = [0, 0.999].map(async (random) => await read({ type: 'test.other' }, () => random))
    expect(await Promise.all(delays)).toMatchObject([
      { settlement: { delayMs: 4000 } },
      { settlement: { delayMs: 5998 } },
    ])
  })

  it('gives up a job that was passed on from worker to worker for about an hour', async () => {
    const type = 'test.other'
    expect(await read({ type, passes: 719 })).toMatchObject({ settlement: { passes: 720 } })
    await expect(read({ type, passes: 720 })).rejects.toEqual(
      dead(
        'unknown_type',
        /^no worker of this queue ran job type "test.other" in version 1, after 720 of them were asked$/,
      ),
    )
  })

  it('does not hold it against a job that it was started often, before a redrive or between its snoozes', async () => {
    expect(await read({ type: 'test.other', attempt: 100_000 })).toMatchObject({ settlement: { passes: 1 } })
  })

  it('does not hold it against a job that it waited long for its first worker', async () => {
    const startedAt = Date.now()
    expect(await read({ type: 'test.other', startedAt, scheduledFor: 0, createdAt: 0 })).toMatchObject({
      kind: 'not_here',
    })
  })
})
