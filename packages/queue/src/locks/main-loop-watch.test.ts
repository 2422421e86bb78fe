import { describe, expect, it } from 'vitest'
import { MainLoopWatch, TICK_MS } from './main-loop-watch.ts'

function watched() {
  const ticks = new Int32Array(new SharedArrayBuffer(4))
  const watch = new MainLoopWatch(ticks)
  return { watch, tick: () => Atomics.add(ticks, 0, 1) }
}

describe('MainLoopWatch', () => {
  it('tells for how many looks in a row the loop has not turned', () => {
    const { watch, tick } = watched()
    expect(watch.blockedMs).toBe(0)
    for (let looks = 1; looks <= 3; looks++) {
      watch.look()
      expect(watch.blockedMs).toBe(looks * TICK_MS)
    }
    tick()
    watch.look()
    expect(watch.blockedMs).toBe(0)
    watch.look()
    expect(watch.blockedMs).toBe(TICK_MS)
  })

  it('tells at once that the loop turns again', () => {
    const { watch, tick } = watched()
    watch.look()
    expect(watch.hasTurned).toBe(false)
    tick()
    expect(watch.hasTurned).toBe(true)
    watch.look()
    expect(watch.hasTurned).toBe(false)
  })
})
