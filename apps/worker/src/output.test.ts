import { defineJob, LIMITS, UnrecoverableError } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { toJsonText, toOutput } from './output.ts'

const job = (output?: z.ZodType) => defineJob({ name: 'test.output', input: z.unknown(), ...(output && { output }) })

const invalid = (message: string | RegExp) =>
  expect.objectContaining({
    name: 'UnrecoverableError',
    kind: 'invalid_output',
    retryable: false,
    message: expect.stringMatching(message),
  })

const cycle: { self?: object } = {}
cycle.self = cycle

describe('toJsonText', () => {
  it.each([null, 0, -1.5, true, '', 'text', [], { a: [1, { b: null }] }, new Date(0)])('says %j', (value) => {
    expect(toJsonText(value, 100)).toBe(JSON.stringify(value))
  })

  it('says null for undefined', () => {
    expect(toJsonText(undefined, 100)).toBe('null')
  })

  it.each<[string, unknown, RegExp]>([
    ['a cycle', cycle, /^expected a value that JSON can say: Converting circular structure/],
    ['a BigInt', { n: 1n }, /^expected a value that JSON can say: .*BigInt/],
    ['a function', () => 1, /^expected a value that JSON can say, got a function$/],
    ['a symbol', Symbol('x'), /^expected a value that JSON can say, got a symbol$/],
    [
      'what refuses to be said',
      {
        toJSON: () => {
          throw new Error('never')
        },
      },
      /^expected a value that JSON can say: never$/,
    ],
    [
      'what throws no error',
      {
        toJSON: () => {
          throw 'never'
        },
      },
      /^expected a value that JSON can say: never$/,
    ],
  ])('refuses %s', (_, value, message) => {
    expect(() => toJsonText(value, 100)).toThrow(invalid(message))
  })

  it('leaves alone what just fits, counted in bytes', () => {
    const text = JSON.stringify('é'.repeat(49))
    expect(toJsonText('é'.repeat(49), 100)).toBe(text)
    expect(Buffer.byteLength(text)).toBe(100)
    expect(toJsonText('é'.repeat(50), 100)).not.toBe(JSON.stringify('é'.repeat(50)))
  })

  it.each<[string, unknown]>([
    ['letters', 'x'.repeat(1_000_000)],
    ['quotes and backslashes, which double within a string', '"\\'.repeat(500_000)],
    ['control characters', '\u0000\n'.repeat(300_000)],
    ['half a pair of surrogates', '\ud83d'.repeat(300_000)],
    ['characters of four bytes', '😀'.repeat(250_000)],
    ['an object', { rows: Array.from({ length: 50_000 }, (_, i) => ({ i })) }],
  ])('cuts a megabyte of %s to the limit, and says so', (_, value) => {
    const text = toJsonText(value, LIMITS.outputBytes)
    const whole = JSON.stringify(value)
    const cut = JSON.parse(text)
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(LIMITS.outputBytes)
    expect(cut).toEqual({ truncated: true, bytes: Buffer.byteLength(whole), preview: expect.any(String) })
    const preview = cut.preview.slice(0, cut.preview.indexOf('… [cut from'))
    expect(preview.length).toBeGreaterThan(10_000)
    expect(whole.startsWith(preview)).toBe(true)
  })
})

describe('toOutput', () => {
  it('takes any JSON value from a job without an output schema', async () => {
    expect(await toOutput({ a: 1 }, job())).toBe('{"a":1}')
    expect(await toOutput(undefined, job())).toBe('null')
  })

  it('stores what the schema makes of the value', async () => {
    const output = z.object({ at: z.string().default('now') })
    expect(await toOutput({ more: 1 }, job(output))).toBe('{"at":"now"}')
  })

  it('refuses what the schema refuses, with every place that is wrong', async () => {
    const output = z.object({ sum: z.number(), rows: z.array(z.string()) })
    await expect(toOutput({ sum: 'x', rows: ['a', 2] }, job(output))).rejects.toEqual(
      invalid(/^the handler's result does not fit its schema: \/sum: .*number.*; \/rows\/1: .*string/),
    )
    await expect(toOutput(undefined, job(output))).rejects.toThrow(UnrecoverableError)
  })

  it('refuses what the schema takes but JSON cannot say', async () => {
    await expect(toOutput(1n, job(z.any()))).rejects.toEqual(invalid(/BigInt/))
  })

  it('waits for a schema that checks with patience', async () => {
    const output = z.string().refine(async (text) => text === 'right', 'not right')
    expect(await toOutput('right', job(output))).toBe('"right"')
    await expect(toOutput('wrong', job(output))).rejects.toEqual(invalid(/: \/: not right$/))
  })

  it('cuts a large output', async () => {
    const text = await toOutput('x'.repeat(1_000_000), job(z.string()))
    expect(JSON.parse(text)).toMatchObject({ truncated: true, bytes: 1_000_002 })
  })
})
