import { describe, expect, it } from 'vitest'
import { parseRetryAfter } from './retry-after.ts'

const NOW_MS = Date.UTC(2026, 0, 5, 12, 0, 0)

describe('parseRetryAfter', () => {
  it.each([
    ['0', 0],
    ['120', 120_000],
    ['Mon, 05 Jan 2026 12:00:30 GMT', 30_000],
    ['Monday, 05-Jan-26 12:01:00 GMT', 60_000],
    ['Mon, 05 Jan 2026 11:00:00 GMT', 0],
  ])('reads %s', (text, ms) => {
    expect(parseRetryAfter(text, NOW_MS)).toBe(ms)
  })

  it.each([undefined, '', '-1', '1.5', '1e3', 'soon', 'soon GMT', '2026-01-05', 'Mon Jan  5 13:00:00 2026'])(
    'takes %s for none',
    (text) => {
      expect(parseRetryAfter(text, NOW_MS)).toBeUndefined()
    },
  )
})
