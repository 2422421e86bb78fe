import { expect, it } from 'vitest'
import { z } from 'zod'
import { fieldErrorsOf } from './validation.ts'

const problemsOf = (schema: z.ZodType, value: unknown) => {
  const { error } = schema.safeParse(value)
  return fieldErrorsOf(error?.issues ?? []).map(({ path, message }) => `${path}: ${message}`)
}

it('points to the place by RFC 6901', () => {
  const schema = z.object({ 'a/b': z.object({ 'c~d': z.array(z.number()) }) })
  expect(problemsOf(schema, { 'a/b': { 'c~d': [1, 'x'] } })).toEqual([
    '/a~1b/c~0d/1: Invalid input: expected number, received string',
  ])
})

it('tells of a union what the member says that got furthest', () => {
  const schema = z.object({ at: z.union([z.number(), z.object({ a: z.object({ b: z.number() }) })]) })
  expect(problemsOf(schema, { at: { a: { b: 'x' } } })).toEqual([
    '/at/a/b: Invalid input: expected number, received string',
  ])
})

it('tells of a union what each member says if none got anywhere', () => {
  const schema = z.object({ id: z.union([z.string(), z.array(z.string())]) })
  expect(problemsOf(schema, { id: 1 })).toEqual([
    '/id: Invalid input: expected string, received number, or Invalid input: expected array, received number',
  ])
})
