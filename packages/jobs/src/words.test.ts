import { expect, it } from 'vitest'
import { searchedTexts, wordsOf } from './words.ts'

it.each([
  ['The gateway, the GATEWAY', ['the', 'gateway']],
  ['demo.echo of a/b?c=-12345', ['demo', 'echo', 'of', 'a', 'b', 'c', '12345']],
  ['Übung 日本語 0x2A 1e5 ½', ['übung', '日本語', '0x2a', '1e5', '½']],
  ["'); -- \0 …", []],
  ['x'.repeat(300), ['x'.repeat(256), 'x'.repeat(44)]],
])('%.40j has the words %j', (text, words) => {
  expect([...wordsOf(text)]).toEqual(words)
})

it('errors and reasons are searched before the log, of which the last line comes first', () => {
  const error = { name: 'E', message: 'm', kind: 'k' }
  const attempts = [{ error, reason: 'lost' }, { error: { ...error, message: 'before' } }, {}]
  expect([...searchedTexts(error, attempts, ['one', 'two'])]).toEqual(['E', 'k', 'm', 'before', 'lost', 'two', 'one'])
})
