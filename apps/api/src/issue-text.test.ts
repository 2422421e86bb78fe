import { expect, it } from 'vitest'
import { z } from 'zod'
import { validate } from './validation.ts'

const job = z.strictObject({ delayMs: z.int().optional(), runAt: z.string().optional() })

it.each<[string, z.ZodType, unknown, string]>([
  ['a wrong type', z.strictObject({}), 'x', 'expected an object, got "x"'],
  ['a value that is missing', z.string(), undefined, 'expected text, got nothing'],
  ['a fraction', z.int(), 1.5, 'expected an integer, got 1.5'],
  ['a number beyond its bounds', z.int().max(9), 10, 'expected at most 9, got 10'],
  ['text that is too short', z.string().min(1), '', 'expected at least 1 character, got 0'],
  ['a list that is too long', z.array(z.int()).max(2), [1, 2, 3], 'expected at most 2 items, got 3'],
  ['one of several values', z.enum(['a', 'b']), 'c', 'expected one of a, b, got "c"'],
  ['the only value', z.literal('a'), null, 'expected a, got null'],
  ['a time', z.iso.datetime(), 'now', 'expected a time like 2026-01-31T12:00:00Z (RFC 3339), got "now"'],
])('tells of %s what was expected and what came', (_what, schema, value, expected) => {
  expect(validate(schema, value).errors).toEqual([{ path: '', message: expected }])
})

it.each<[string, object, object[]]>([
  ['was probably meant otherwise', { delayms: 1 }, [{ path: '/delayms', message: 'unknown; did you mean "delayMs"?' }]],
  ['is like no other', { colour: 1 }, [{ path: '/colour', message: 'unknown; known are delayMs, runAt' }]],
  [
    'is not alone',
    { a: 1, b: 2 },
    ['/a', '/b'].map((path) => ({ path, message: 'unknown; known are delayMs, runAt' })),
  ],
])('tells of an unknown field that %s where it is and what could be there', (_what, value, expected) => {
  expect(validate(job, value).errors).toEqual(expected)
})

it('tells of a field where none may be', () => {
  const { errors } = validate(z.strictObject({}), { a: 1 })
  expect(errors).toEqual([{ path: '/a', message: 'unknown; nothing is expected here' }])
})

it('shows no more of a long value than its beginning', () => {
  const [error] = validate(z.enum(['a']), 'x'.repeat(1000)).errors ?? []
  expect(error?.message).toBe(`expected a, got "${'x'.repeat(64)}…"`)
})
