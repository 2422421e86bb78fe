import { expect, it } from 'vitest'
import { storedText } from './stored-text.ts'

it.each([
  ['plain', 'plain'],
  ['🎉 é\n\\', '🎉 é\n\\'],
  ['a\0b\0', String.raw`a\u0000b\u0000`],
  ['\ud83c|\udf89|\ud83c\udf89', String.raw`\ud83c|\udf89|🎉`],
])('%j is stored as %j', (text, stored) => {
  expect(storedText(text)).toBe(stored)
})
