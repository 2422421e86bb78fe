import { describe, expect, it } from 'vitest'
import { inputForSearch } from './input-search.ts'

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`

describe('inputForSearch', () => {
  it.each([
    ['plain input', '{"a":1.0,"b":[1e3,"\\u00e9"]}'],
    ['brackets in text', JSON.stringify({ a: '[{'.repeat(500), b: `\\"${'['.repeat(500)}` })],
    ['a hundred levels', nested(100)],
  ])('leaves %s as it is', (_, text) => {
    expect(inputForSearch(text)).toBe(text)
  })

  it.each([
    [
      'NUL characters and half surrogate pairs',
      String.raw`{"a\u0000":["\ud800","\u0000x","\ud83c\udf89"]}`,
      '{"a\uFFFD":["\uFFFD","\uFFFDx","🎉"]}',
    ],
    ['half a surrogate pair as it is', '{"a":"\ud800"}', '{"a":"\uFFFD"}'],
    ['a number beyond any', '{"a":1e999999,"b":-1E+400,"c":1e-999999}', '{"a":null,"b":null,"c":0}'],
  ])('replaces %s', (_, text, searched) => {
    expect(inputForSearch(text)).toBe(searched)
  })

  it('gives up what is deeper than PostgreSQL reads', () => {
    expect(inputForSearch(nested(101))).toBeNull()
    expect(inputForSearch(`{"a":"\\u0000","b":${nested(30_000)}}`)).toBeNull()
  })
})
