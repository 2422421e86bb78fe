import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { defineJob } from './define-job.ts'
import { type Handler, type JobContext, jobPack } from './handler.ts'
import { cancel, done, snooze } from './outcome.ts'

const resize = defineJob({
  name: 'image.resize',
  input: z.object({ width: z.coerce.number().default(100) }),
  output: z.object({ bytes: z.number() }),
})
const echo = defineJob({ name: 'demo.echo', input: z.json() })

describe('jobPack', () => {
  it('joins definitions with their handlers', () => {
    const handlers = {
      'image.resize': async ({ width }: { width: number }) => ({ bytes: width }),
      'demo.echo': (input: unknown) => done(input),
    }
    const pack = jobPack([resize, echo], handlers)
    expect(pack.jobs).toEqual([resize, echo])
    expect(pack.handlers).toBe(handlers)
    expect(Object.isFrozen(pack)).toBe(true)
  })

  it('does not compile, nor run, without a handler for each definition', () => {
    // @ts-expect-error demo.echo has no handler
    expect(() => jobPack([echo], {})).toThrow('job type "demo.echo" has no handler')
    const inherited = Object.create({ 'demo.echo': () => undefined })
    expect(() => jobPack([echo], inherited)).toThrow('job type "demo.echo" has no handler')
  })

  it('does not compile with a handler that returns the wrong output', () => {
    // @ts-expect-error bytes has to be a number
    jobPack([resize], { 'image.resize': async () => ({ bytes: 'many' }) })
    // @ts-expect-error the value of an outcome is an output too
    jobPack([resize], { 'image.resize': () => done({ bytes: 'many' }) })
  })

  it('compiles with a handler that returns an outcome, or nothing', () => {
    jobPack([resize], { 'image.resize': ({ width }) => (width > 9 ? snooze(5) : cancel('too small')) })
    jobPack([resize], { 'image.resize': async () => undefined })
  })

  it('refuses a handler without a definition, and a type defined twice', () => {
    const surplus: Record<string, () => undefined> = { 'demo.echo': () => undefined, 'demo.other': () => undefined }
    expect(() => jobPack([echo], surplus as never)).toThrow('handler "demo.other" belongs to no job type')
    expect(() => jobPack([echo, echo], { 'demo.echo': () => undefined })).toThrow('defined twice')
  })
})

describe('Handler', () => {
  it('gets the input as its schema gives it, and its attempt', () => {
    expectTypeOf<Parameters<Handler<typeof resize>>>().toEqualTypeOf<[{ width: number }, JobContext]>()
  })
})
