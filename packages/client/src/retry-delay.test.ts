import { describe, expect, it } from 'vitest'
import { parseRetryAfter, retryDelay } from './retry-delay.ts'

describe('retryDelay', () => {
  it('doubles from 250 ms up to 10 s, with jitter in the upper half', () => {
    const most = [1, 2, 3, 4, 5, 6, 7, 50].map((n) => retryDelay(n, undefined, () => 1))
    expect(most).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000])
    expect(retryDelay(3, undefined, () => 0)).toBe(500)
  })

  it('never comes back before the time that the server asked for', () => {
    expect(retryDelay(1, 3000, () => 0)).toBe(3000)
    expect(retryDelay(1, 3000, () => 1)).toBe(3250)
    expect(retryDelay(2, 0, () => 0.5)).toBe(250)
  })
})

describe('parseRetryAfter', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')

  it.each([
    ['0', 0],
    ['7', 7000],
    ['Thu, 01 Jan 2026 00:00:05 GMT', 5000],
    ['Wed, 31 Dec 2025 23:59:00 GMT', 0],
  ])('reads %j as %d ms', (header, ms) => {
    expect(parseRetryAfter(header, now)).toBe(ms)
  })

  it.each([null, '', 'soon', '-5', '1.5', '2026-01-01', 'never GMT'])('knows nothing from %j', (header) => {
    expect(parseRetryAfter(header, now)).toBeUndefined()
  })
})
