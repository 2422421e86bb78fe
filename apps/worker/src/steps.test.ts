import { defineJob, type JobContext, LIMITS } from '@foliot/jobs'
import { redriveJob } from '@foliot/queue'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { runnablesOf } from './fixtures/runnables.ts'
import { openTestBed } from './fixtures/test-bed.ts'

const bed = await openTestBed()
let types = 0

/** Runs a job whose handler this is, to its end; gives the job. */
async function run(handler: (ctx: JobContext) => unknown, attempts = 3) {
  const name = `test.steps-${++types}`
  const retry = { attempts, kind: 'fixed', baseMs: 1, jitter: 'none' } as const
  const definition = defineJob({ name, queue: name, input: z.unknown(), retry })
  await bed.work(runnablesOf([definition], { [name]: (_: unknown, ctx: JobContext) => handler(ctx) }))
  return bed.end(await bed.add(definition, null))
}

describe('ctx.step', () => {
  it('gives later attempts the result that is kept, and does not run again', async () => {
    const ran: string[] = []
    const job = await run(async ({ step, attempt }) => {
      const a = await step('a', () => ran.push(`a of ${attempt}`))
      const b = await step('b', async () => {
        ran.push(`b of ${attempt}`)
        if (attempt === 1) throw new Error('not yet')
        return { deep: [1, null] }
      })
      if (attempt < 3) throw new Error('again')
      return { a, b }
    })
    expect(job).toMatchObject({ status: 'succeeded', attempt: 3, output: { a: 1, b: { deep: [1, null] } } })
    expect(ran).toEqual(['a of 1', 'b of 1', 'b of 2'])
  })

  it('keeps them beyond a redrive', async () => {
    let runs = 0
    const job = await run(async ({ step, attempt }) => {
      await step('once', () => ++runs)
      if (attempt === 1) throw new Error('dead')
      return step('once', () => ++runs)
    }, 1)
    expect(job.status).toBe('failed')
    await redriveJob(bed.redis, job, { by: 'test' })
    expect(await bed.readWhen(job, ({ status }) => status === 'succeeded')).toMatchObject({ output: 1 })
    expect(runs).toBe(1)
  })

  it('runs once for all who ask at the same time', async () => {
    let runs = 0
    const job = await run(async ({ step }) => Promise.all([1, 2, 3].map(() => step('same', async () => ++runs))))
    expect(job.output).toEqual([1, 1, 1])
  })

  it('gives the first attempt what later ones will get', async () => {
    const job = await run(async ({ step }) => [
      await step('date', () => new Date(0) as unknown),
      await step('nothing', () => undefined as unknown),
    ])
    expect(job.output).toEqual(['1970-01-01T00:00:00.000Z', null])
  })

  it.each<[string, (ctx: JobContext) => unknown, string]>([
    [
      'too large',
      ({ step }) => step('x', () => 'x'.repeat(LIMITS.stepBytes)),
      'at most 16384 bytes of JSON, got 16386',
    ],
    ['no JSON', ({ step }) => step('x', () => 1n), 'expected a value that JSON can say'],
    [
      'without a name',
      ({ step }) => step('', () => 1),
      'expected a step to have a name of 1 to 100 characters, got ""',
    ],
    [
      'one too many',
      async ({ step }) => {
        for (let n = 0; n <= LIMITS.steps; n++) await step(`s${n}`, () => n)
      },
      'expected at most 100 steps in a job, got one more: "s100"',
    ],
  ])('refuses a step that is %s, for good', async (_, handler, message) => {
    const job = await run(handler)
    expect(job).toMatchObject({ status: 'failed', attempt: 1, error: { message: expect.stringContaining(message) } })
  })
})
