import { expect, it } from 'vitest'
import { z } from 'zod'
import { describeProblems } from './schema-problems.ts'

async function problemsOf(schema: z.ZodType, value: unknown): Promise<string> {
  const result = await schema['~standard'].validate(value)
  return result.issues ? describeProblems(result.issues) : ''
}

it('says where, as a JSON Pointer, and what', async () => {
  const schema = z.object({ rows: z.array(z.object({ id: z.string() })), n: z.number({ error: 'no number' }) })
  expect(await problemsOf(schema, { rows: [{ id: 'a' }, { id: 1 }], n: '1' })).toMatch(
    /^\/rows\/1\/id: [^;]*expected string[^;]*; \/n: no number$/,
  )
})

it('calls the value as a whole /', async () => {
  expect(await problemsOf(z.string({ error: 'no text' }), 1)).toBe('/: no text')
})

it('understands paths of keys and of segments, as libraries may give either', () => {
  expect(describeProblems([{ message: 'a', path: ['x', 0, Symbol.for('y')] }])).toBe('/x/0/Symbol(y): a')
  expect(describeProblems([{ message: 'a', path: [{ key: 'x' }, { key: 0 }] }, { message: 'b' }])).toBe('/x/0: a; /: b')
})
