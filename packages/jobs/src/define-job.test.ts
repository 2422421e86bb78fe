import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { defineJob, type JobData, type JobInput, type JobOutput } from './define-job.ts'
import { describeJob } from './describe-job.ts'
import { jobPack } from './handler.ts'
import { done } from './outcome.ts'

const resize = defineJob({
  name: 'image.resize',
  input: z.object({ url: z.string(), width: z.coerce.number().int().default(100) }),
  output: z.object({ bytes: z.number() }),
  retry: { attempts: 8 },
})
const echo = defineJob({ name: 'demo.echo', input: z.json() })

describe('defineJob', () => {
  it('fills in the safe defaults and freezes the definition', () => {
    expect(resize).toMatchObject({
      version: 1,
      queue: 'default',
      timeoutMs: 60_000,
      priority: 0,
      redact: [],
      retry: { attempts: 8, kind: 'exponential', baseMs: 1000, factor: 2, maxMs: 60_000, jitter: 'full' },
    })
    expect(Object.isFrozen(resize)).toBe(true)
  })

  it.each([
    [{ name: 'Resize' }, /expected a job type name like "billing.send-invoice"/],
    [{ queue: '../x' }, /expected a queue name like "email".*got "\.\.\/x"/],
    [{ timeoutMs: 0 }, /`timeoutMs` to be an integer from 1 to 86400000, got 0/],
    [{ priority: -1 }, /`priority` to be an integer from 0 to 2097151, got -1/],
    [{ version: 1.5 }, /`version` to be an integer/],
    [{ retry: { attempts: 0 } }, /`retry.attempts` to be an integer from 1 to 1000, got 0/],
    [{ retry: { jiter: 'full' } as object }, /unknown retry option `jiter`; known are attempts, kind/],
    [{ retry: { baseMs: 10, maxMs: 5 } }, /`retry.maxMs` to be at least `retry.baseMs` \(10\), got 5/],
  ])('refuses %j and says what it expected', (wrong, message) => {
    expect(() => defineJob({ name: 'image.resize', input: z.json(), ...wrong })).toThrow(message)
  })

  it('tells apart what a caller sends and what a handler receives', () => {
    expectTypeOf<JobInput<typeof resize>>().toEqualTypeOf<{ url: string; width?: unknown }>()
    expectTypeOf<JobData<typeof resize>>().toEqualTypeOf<{ url: string; width: number }>()
    expectTypeOf<JobOutput<typeof resize>>().toEqualTypeOf<{ bytes: number }>()
  })
})

describe('jobPack', () => {
  it('joins definitions with their handlers', () => {
    const pack = jobPack([resize, echo], {
      'image.resize': async ({ width }) => ({ bytes: width }),
      'demo.echo': (input) => done(input),
    })
    expect(pack.jobs).toEqual([resize, echo])
  })

  it('does not compile, nor run, without a handler for each definition', () => {
    // @ts-expect-error demo.echo has no handler
    expect(() => jobPack([echo], {})).toThrow('job type "demo.echo" has no handler')
  })

  it('does not compile with a handler that returns the wrong output', () => {
    // @ts-expect-error bytes has to be a number
    jobPack([resize], { 'image.resize': async () => ({ bytes: 'many' }) })
  })

  it('refuses a handler without a definition and a type defined twice', () => {
    const surplus: Record<string, () => undefined> = { 'demo.echo': () => undefined, 'demo.other': () => undefined }
    expect(() => jobPack([echo], surplus as never)).toThrow('handler "demo.other" belongs to no job type')
    expect(() => jobPack([echo, echo], { 'demo.echo': () => undefined })).toThrow('defined twice')
  })
})

describe('describeJob', () => {
  it('announces the input as JSON Schema, in the form that callers send', () => {
    const { inputSchema, outputSchema, name } = describeJob(resize)
    expect(name).toBe('image.resize')
    expect(inputSchema).toMatchObject({ type: 'object', required: ['url'] })
    expect(outputSchema).toMatchObject({ properties: { bytes: { type: 'number' } } })
    expect(describeJob(echo)).not.toHaveProperty('outputSchema')
  })

  it('refuses a schema that JSON Schema cannot say, naming the job and the reason', () => {
    const dated = defineJob({ name: 'demo.dated', input: z.object({ at: z.date() }) })
    expect(() => describeJob(dated)).toThrow(/job "demo.dated": its input cannot be said in JSON Schema: Date/)
  })
})
