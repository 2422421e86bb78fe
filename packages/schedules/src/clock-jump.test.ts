import { expect, it } from 'vitest'
import { clockJump } from './clock-jump.ts'

const WALL = 1_800_000_000_000

it.each([
  // monotonic, wall, kind, by
  [1000, 1000, 'none', 0],
  [1000, 1500, 'none', 500],
  [1000, 500, 'none', -500],
  [1000, 1501, 'forward', 501],
  [1000, 499, 'backward', -501],
  [1000, 3_601_000, 'forward', 3_600_000],
  [1000, -59_000, 'backward', -60_000],
  // The process was stopped: both clocks went on.
  [20_000, 20_000, 'none', 0],
])('after %d ms by one clock and %d ms by the other there is %s jump, by %d ms', (monotonicMs, wallMs, kind, byMs) => {
  const before = { monotonicMs: 5000, wallMs: WALL }
  const now = { monotonicMs: 5000 + monotonicMs, wallMs: WALL + wallMs }
  expect(clockJump(before, now, 500)).toEqual({ kind, byMs })
})
