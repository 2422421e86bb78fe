import { expect, it } from 'vitest'
import { describeDuration } from './describe-duration.ts'

it.each([
  [0, '0 ms'],
  [849.6, '850 ms'],
  [1000, '1 s'],
  [2690, '2.7 s'],
  [60_000, '1 min'],
  [5_400_000, '1.5 h'],
  [172_800_000, '2 d'],
])('says %d ms as %s', (ms, text) => {
  expect(describeDuration(ms)).toBe(text)
})
