import { expect, it } from 'vitest'
import { z } from 'zod'
import { validate } from './validation.ts'

const problemsOf = (schema: z.ZodType, value: unknown) =>
  validate(schema, value).errors?.map(({ path, message }) => `${path}: ${message}`)

it('gives the value as the schema makes it', () => {
  expect(validate(z.string().transform(Number), '7')).toEqual({ value: 7 })
})

it('points to the place by RFC 6901', () => {
  const schema = z.object({ 'a/b': z.object({ 'c~d': z.array(z.number()) }) })
  expect(problemsOf(schema, { 'a/b': { 'c~d': [1, 'x'] } })).toEqual(['/a~1b/c~0d/1: expected a number, got "x"'])
})

it('tells of a union what the member says that got furthest', () => {
  const schema = z.object({ at: z.union([z.number(), z.object({ a: z.object({ b: z.number() }) })]) })
  expect(problemsOf(schema, { at: { a: { b: 'x' } } })).toEqual(['/at/a/b: expected a number, got "x"'])
})

it('tells of a union what each member says if none got anywhere', () => {
  const schema = z.object({ id: z.union([z.string(), z.array(z.string())]) })
  expect(problemsOf(schema, { id: 1 })).toEqual(['/id: expected text, got 1, or expected a list, got 1'])
})
