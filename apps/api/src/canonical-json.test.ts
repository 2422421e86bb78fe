import { expect, it } from 'vitest'
import { canonicalJson } from './canonical-json.ts'
import { withExactNumbers } from './exact-numbers.ts'

it.each([
  ['{"b":1,"a":{"d":[1,{"f":2,"e":3}],"c":null}}', '{"a":{"c":null,"d":[1,{"e":3,"f":2}]},"b":1}'],
  ['{"2":1,"10":2,"é":3,"z":4}', '{"10":2,"2":1,"z":4,"é":3}'],
  ['{"__proto__":1,"a":2}', '{"__proto__":1,"a":2}'],
  ['[1.0,1e2,-0]', '[1,100,0]'],
])('writes %s as %s', (text, expected) => {
  expect(canonicalJson(JSON.parse(text))).toBe(expected)
})

it('leaves out what is undefined', () => {
  expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}')
})

it.each([
  ['[1,2]', '[2,1]'],
  ['{"a":null}', '{}'],
  ['"1"', '1'],
  ['{"a":{"b":1}}', '{"a":1,"b":1}'],
])('tells %s from %s', (a, b) => {
  expect(canonicalJson(JSON.parse(a))).not.toBe(canonicalJson(JSON.parse(b)))
})

it('tells numbers apart that JavaScript takes for one', () => {
  const write = (text: string) => canonicalJson(withExactNumbers(JSON.parse(text), text))
  expect(write('{"b":[9007199254740993],"a":1}')).toBe('{"a":1,"b":[9007199254740993e0]}')
  expect(write('9007199254740992')).toBe('9007199254740992')
})
