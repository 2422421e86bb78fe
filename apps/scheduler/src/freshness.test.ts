import { describe, expect, it } from 'vitest'
import { Freshness } from './freshness.ts'

describe('Freshness', () => {
  it('ends when nothing was confirmed for a while, and comes back with a look that began afterwards', () => {
    let [heard, looked] = [0, 0]
    const freshness = new Freshness({ heardAt: () => heard, lookedAt: () => looked })
    expect(freshness.isFresh(2000)).toBe(true)
    expect(freshness.isFresh(6000)).toBe(false)
    heard = 6010
    looked = 5990
    expect(freshness.isFresh(6020)).toBe(false)
    looked = 6015
    expect(freshness.isFresh(6030)).toBe(true)
    expect(freshness.isFresh(6040)).toBe(true)
  })

  it('does not wait for ever to hear of what was edited', () => {
    let heard = 0
    const freshness = new Freshness({ heardAt: () => heard, lookedAt: () => 0 })
    expect(freshness.isFresh(6000)).toBe(false)
    heard = 8500
    expect(freshness.isFresh(7000)).toBe(false)
    expect(freshness.isFresh(8500)).toBe(true)
  })
})
