import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { LIMITS } from '@foliot/jobs'
import { expect, it } from 'vitest'
import { readLines } from './output-lines.ts'

/** The lines of a stream that gets these pieces. */
async function linesOf(...pieces: (string | Buffer)[]): Promise<string[]> {
  const stream = new PassThrough()
  const lines: string[] = []
  readLines(stream, (line) => lines.push(line))
  for (const piece of pieces) stream.write(piece)
  stream.end()
  await once(stream, 'end')
  return lines
}

it('joins the pieces of a line, and leaves out empty ones', async () => {
  expect(await linesOf('on', 'e\ntw', 'o\n\nthree', '\n')).toEqual(['one', 'two', 'three'])
})

it('reads a last line without an end', async () => {
  expect(await linesOf('one\ntwo')).toEqual(['one', 'two'])
})

it('joins the bytes of a character', async () => {
  const bytes = Buffer.from('ü\n')
  expect(await linesOf(bytes.subarray(0, 1), bytes.subarray(1))).toEqual(['ü'])
})

it('cuts a line that does not end, says so, and goes on with the next', async () => {
  const pieces = Array.from({ length: 100 }, () => 'x'.repeat(1000))
  const cut = `${'x'.repeat(LIMITS.logLineBytes)}… [cut from 100000 characters]`
  expect(await linesOf(...pieces, '\nnext\n')).toEqual([cut, 'next'])
  expect(await linesOf(`first\n${pieces.join('')}\nnext\n`)).toEqual(['first', cut, 'next'])
})
