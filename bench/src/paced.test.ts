import { describe, expect, it } from 'vitest'
import { paced, randomGapsMs } from './paced.ts'

describe('random gaps', () => {
  it('are as long on average as the rate says', () => {
    const gaps = randomGapsMs(20_000, 50)
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
    expect(mean).toBeGreaterThan(18)
    expect(mean).toBeLessThan(22)
  })
})

describe('sending at a pace', () => {
  it('sends the next one while an earlier one is still under way, and waits for all', async () => {
    const last = Promise.withResolvers<void>()
    let ended = 0
    let sent = 0
    await paced({ gapsMs: [1, 1, 1], warmUp: 0 }, async () => {
      if (++sent === 3) last.resolve()
      await last.promise
      ended++
    })
    expect(ended).toBe(3)
  })

  it('says which ones only warm up', async () => {
    const measured: boolean[] = []
    await paced({ gapsMs: [0, 0, 0], warmUp: 2 }, async (is) => void measured.push(is))
    expect(measured).toEqual([false, false, true])
  })
})
