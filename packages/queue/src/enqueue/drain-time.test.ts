import { describe, expect, it } from 'vitest'
import { drainSeconds } from './drain-time.ts'

describe('drainSeconds', () => {
  it.each([
    ['one job too many, one of which ends every two seconds', { depth: 10, ended: 5, spanMs: 10_000 }, 2],
    ['eleven too many, ten of which end each second', { depth: 20, ended: 100, spanMs: 10_000 }, 2],
    ['a rate that is known of the last second alone', { depth: 109, ended: 10, spanMs: 1000 }, 10],
    ['a queue that drains at once', { depth: 10, ended: 5000, spanMs: 1000 }, 1],
    ['a queue that takes minutes', { depth: 1_000_000, ended: 1, spanMs: 10_000 }, 60],
    ['a queue that stands still', { depth: 10, ended: 0, spanMs: 10_000 }, 60],
  ])('%s', (_, full, seconds) => {
    expect(drainSeconds({ maxDepth: 10, ...full })).toBe(seconds)
  })
})
