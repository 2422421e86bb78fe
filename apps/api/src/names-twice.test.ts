import { expect, it } from 'vitest'
import { findNameTwice } from './names-twice.ts'

const find = (text: string) => findNameTwice(Buffer.from(text), JSON.parse(text))

it.each([
  '1',
  'null',
  '"a:a"',
  '[]',
  '{}',
  '{"a":1,"b":{"a":1},"A":1}',
  '[{"a":1},{"a":1}]',
  '{"1":1,"1.0":1,"__proto__":1,"":1}',
  String.raw`{"a":"\",\"a\":1"}`,
])('finds none in %s', (text) => {
  expect(find(text)).toBeUndefined()
})

it.each([
  ['{"a":1,"a":1}', ['a']],
  [String.raw`{"\u0061":1, "a" : 2}`, ['a']],
  ['{"b":[0,[{"c":[]},{"d":{},"d":{}}]]}', ['b', 1, 1, 'd']],
  ['{"__proto__":{"a":1},"__proto__":{}}', ['__proto__']],
  ['[{"a":{"b":1,"b":2}},{"c":1,"c":2}]', [0, 'a', 'b']],
  ['{"a":{"x":1},"b":[],"a":{"x":1,"x":2}}', ['a']],
])('finds the one in %s', (text, path) => {
  expect(find(text)).toEqual(path)
})

it('looks deeper than the stack reaches', () => {
  const text = `${'['.repeat(50_000)}{"a":1,"a":2}${']'.repeat(50_000)}`
  expect(find(text)).toHaveLength(50_001)
})
