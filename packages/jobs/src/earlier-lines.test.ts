import { describe, expect, it } from 'vitest'
import { earlierLinesNote, earlierLinesOf } from './earlier-lines.ts'

describe('earlierLinesOf', () => {
  it.each([1, 17, 999_999_999_999_999])('reads what the note says: %s', (count) => {
    expect(earlierLinesOf(earlierLinesNote(count))).toBe(count)
  })

  it.each([
    undefined,
    '',
    'a line',
    `2026-01-01T00:00:00.000Z INFO ${earlierLinesNote(5)}`,
    `${earlierLinesNote(5)} `,
    earlierLinesNote(-1),
    '… [1e3 earlier lines were left out]',
  ])('takes %j for a line like any other', (line) => {
    expect(earlierLinesOf(line)).toBe(0)
  })
})
