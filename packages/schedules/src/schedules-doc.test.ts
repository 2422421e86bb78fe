import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { runExample } from './fixtures/run-example.ts'

const text = await readFile(new URL('../../../docs/schedules.md', import.meta.url), 'utf8')

const examples = Array.from(text.matchAll(/^```text\n(\{.+\})\n([\s\S]*?)\n```$/gm), ([, line = '', shown = '']) => ({
  line,
  shown,
}))

describe('docs/schedules.md', () => {
  it('has examples', () => expect(examples.length).toBeGreaterThan(25))

  it.each(examples)('says what happens with $line', ({ line, shown }) => {
    expect(runExample(line)).toEqual(shown.split('\n'))
  })
})
