import { expect, it } from 'vitest'
import { ExactNumber, withExactNumbers } from './exact-numbers.ts'

const read = (text: string) => withExactNumbers(JSON.parse(text), text)

it.each([
  '1.0',
  '-0.0',
  '1e21',
  '123456789012345',
  '1.7976931348623157e308',
  '5e-324',
  '0.30000000000000004',
  '9007199254740992',
  '100000000000000000000000',
  '1.0000000000000000000000',
  '"12345678901234567890"',
  '{"__proto__":[1,"1e-400"]}',
])('leaves %s as it is', (text) => {
  expect(read(text)).toEqual(JSON.parse(text))
})

it.each([
  ['9007199254740993', '9007199254740993e0'],
  ['-12345678901234567890', '-1234567890123456789e1'],
  ['0.10000000000000000555', '10000000000000000555e-20'],
  ['1e-400', '1e-400'],
  ['100.0e-0402', '1e-400'],
  [`0.${'0'.repeat(400)}1`, '1e-401'],
  [`1e-${'9'.repeat(30)}`, `1e-${'9'.repeat(30)}`],
])('keeps what JavaScript would round: %s', (text, decimal) => {
  expect(read(`{"a":[${text}]}`)).toEqual({ a: [new ExactNumber(decimal)] })
})

it('is quick with very many zeros', () => {
  const text = `1${'0'.repeat(500)}1`.repeat(120)
  expect(read(`0.${text}`)).toBeInstanceOf(ExactNumber)
})
