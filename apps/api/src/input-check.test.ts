import { echo } from '@foliot/example-demo/jobs'
import { describeJob, FoliotError, type JobType } from '@foliot/jobs'
import { expect, it } from 'vitest'
import { InputCheck } from './input-check.ts'

const typeWith = (inputSchema: Record<string, unknown>, version = 1): JobType => ({
  ...describeJob(echo),
  name: 'test.type',
  version,
  inputSchema,
})

const warnings: string[] = []
const inputs = new InputCheck({ warn: (_fields: object, message?: string) => void warnings.push(message ?? '') })

const check = (type: JobType, input: unknown): void => inputs.check(type, input, JSON.stringify(input))

const refusal = (type: JobType, input: unknown): FoliotError => {
  try {
    check(type, input)
  } catch (error) {
    if (error instanceof FoliotError) return error
    throw error
  }
  throw new Error('expected a refusal')
}

it('says of each place that does not fit what is wrong with it', () => {
  const type = typeWith({
    type: 'object',
    properties: { a: { type: 'integer' }, b: { type: 'array', items: { format: 'email' } } },
    required: ['c'],
    additionalProperties: false,
  })
  expect(refusal(type, { a: 'x', b: ['a@b.c', 'no'], d: 1 }).errors).toEqual([
    { path: '/input', message: "must have required property 'c'" },
    { path: '/input', message: 'must NOT have additional properties: d' },
    { path: '/input/a', message: 'must be integer' },
    { path: '/input/b/1', message: 'must match format "email"' },
  ])
})

it('tells a few of very many problems', () => {
  const { errors, hint } = refusal(typeWith({ items: { type: 'string' } }), Array(10_000).fill(1))
  expect([errors?.length, hint]).toEqual([20, 'there are 10000 problems; the first 20 are told'])
})

it('keeps versions of a type apart whose schemas have one $id', () => {
  const schema = (type: string) => typeWith({ $id: 'https://example.org/input', type })
  const [first, second] = [schema('string'), schema('number')]
  check(first, 'x')
  check(second, 1)
  expect([refusal(first, 1).code, refusal(second, 'x').code]).toEqual(['validation_failed', 'validation_failed'])
})

it.each([{ $ref: 'https://example.org/elsewhere' }, { type: 'no such type' }, { pattern: '(' }])(
  'leaves it to the worker if the schema is %j, and says so once',
  (schema) => {
    warnings.length = 0
    const type = typeWith(schema)
    check(type, 'x')
    check(type, 'y')
    expect(warnings).toEqual(['the input schema of test.type cannot be used: its workers check alone'])
  },
)

it('overlooks what it does not know in a schema', () => {
  const type = typeWith({ type: 'string', format: 'from-elsewhere', 'x-title': 1 })
  expect(() => check(type, 'x')).not.toThrow()
})
