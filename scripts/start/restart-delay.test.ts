import { expect, it } from 'vitest'
import { restartDelayMs } from './restart-delay.ts'

it('waits half a second after the first death, doubling to ten seconds', () => {
  expect([1, 2, 3, 4, 5, 6, 2000].map(restartDelayMs)).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000])
})
