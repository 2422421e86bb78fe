import { defineJob, type Job } from '@foliot/jobs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import type { FoliotClient } from './client.ts'
import { type EnqueueResult, jobRequestText, type TypedJob, withIdempotencyKey } from './job-request.ts'

const resize = defineJob({
  name: 'image.resize',
  input: z.object({ url: z.string(), width: z.number().default(100) }),
  output: z.object({ bytes: z.number() }),
})

describe('jobRequestText', () => {
  it('names the type of a definition and writes dates as RFC 3339', () => {
    const runAt = new Date(Date.UTC(2030, 0, 1))
    expect(JSON.parse(jobRequestText({ type: resize, input: { url: 'a.png' }, runAt, priority: undefined }))).toEqual({
      type: 'image.resize',
      input: { url: 'a.png' },
      runAt: '2030-01-01T00:00:00.000Z',
    })
  })

  it('leaves a date that is text to the api', () => {
    const text = jobRequestText({ type: 'demo.echo', input: null, runAt: 'tomorrow' })
    expect(JSON.parse(text)).toEqual({ type: 'demo.echo', input: null, runAt: 'tomorrow' })
  })
})

describe('withIdempotencyKey', () => {
  it('keeps a key that is given, and makes a different one for each other request', () => {
    const request = { type: 'demo.echo', input: 1 }
    expect(withIdempotencyKey({ ...request, idempotencyKey: 'mine' }).idempotencyKey).toBe('mine')
    const keys = Array.from({ length: 100 }, () => withIdempotencyKey(request).idempotencyKey)
    for (const key of keys) expect(key).toMatch(/^[0-9a-f]{32}$/)
    expect(new Set(keys).size).toBe(100)
  })
})

describe('the types', () => {
  it('know input and output from the definition', () => {
    const typed = (client: FoliotClient) => client.enqueue(resize, { url: 'a.png' })
    expectTypeOf<Awaited<ReturnType<typeof typed>>>().toEqualTypeOf<TypedJob<typeof resize>>()
    expectTypeOf<TypedJob<typeof resize>['output']>().toEqualTypeOf<{ bytes: number } | null>()
    const named = (client: FoliotClient) => client.enqueue('image.resize', 'anything')
    expectTypeOf<Awaited<ReturnType<typeof named>>>().toEqualTypeOf<Job>()
    const byType = (client: FoliotClient) => client.enqueue<typeof resize>('image.resize', { url: 'a.png' })
    expectTypeOf<Awaited<ReturnType<typeof byType>>>().toEqualTypeOf<TypedJob<typeof resize>>()
  })

  it('keep the type of a job that is waited for, and know nothing of an id', () => {
    const waited = (client: FoliotClient, made: TypedJob<typeof resize>) => client.wait(made)
    expectTypeOf<Awaited<ReturnType<typeof waited>>>().toEqualTypeOf<TypedJob<typeof resize>>()
    const byId = (client: FoliotClient) => client.get('id')
    expectTypeOf<Awaited<ReturnType<typeof byId>>>().toEqualTypeOf<Job>()
  })

  it('follow each request of a list into its result', () => {
    const mixed = (client: FoliotClient) =>
      client.enqueueMany([
        { type: resize, input: { url: 'a.png' }, priority: 1 },
        { type: 'demo.echo', input: 1 },
      ])
    expectTypeOf<Awaited<ReturnType<typeof mixed>>>().toEqualTypeOf<
      readonly [EnqueueResult<TypedJob<typeof resize>>, EnqueueResult]
    >()
    const mapped = (client: FoliotClient, urls: string[]) =>
      client.enqueueMany(urls.map((url) => ({ type: resize, input: { url } })))
    expectTypeOf<Awaited<ReturnType<typeof mapped>>[number]>().toEqualTypeOf<EnqueueResult<TypedJob<typeof resize>>>()
  })

  it('do not let a wrong input or option compile', () => {
    const wrong = (client: FoliotClient) => [
      // @ts-expect-error url has to be a string
      client.enqueue(resize, { url: 1 }),
      // @ts-expect-error url is missing
      client.enqueue<typeof resize>('image.resize', {}),
      // @ts-expect-error another type's name
      client.enqueue<typeof resize>('image.rezise', { url: 'a.png' }),
      // @ts-expect-error priority is misspelt
      client.enqueue(resize, { url: 'a.png' }, { priorty: 1 }),
      // @ts-expect-error url has to be a string
      client.enqueueMany([{ type: resize, input: { url: 1 } }]),
      // @ts-expect-error priority is misspelt
      client.enqueueMany([{ type: resize, input: { url: 'a.png' }, priorty: 1 }]),
    ]
    expectTypeOf(wrong).toBeFunction()
  })
})
