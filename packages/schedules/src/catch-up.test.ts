import { describe, expect, it } from 'vitest'
import { type CatchUp, catchUp } from './catch-up.ts'
import { compileRule } from './compile-rule.ts'
import { nextTick, type Tick, ticksBetween } from './tick.ts'

const T = 1_800_000_000_000
const rule = compileRule({ id: 'r', cron: '* * * * * *' })

function decide(seconds: number, policy: CatchUp['policy'], more: Partial<CatchUp> = {}) {
  const first = nextTick(rule, T) as Tick
  return catchUp({ rule, first, now: T + seconds * 1000, policy, lateAfterMs: 30_000, maxCatchUp: 10, ...more })
}

const nominals = (ticks: readonly Tick[]) => ticks.map(({ nominal }) => (nominal - T) / 1000)
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('catchUp', () => {
  it.each([
    ['skip', 0],
    ['fire_once', 1],
    ['fire_all', 10],
  ] as const)('with %s makes up %i late ticks, however many there are', (policy, late) => {
    for (const seconds of [100, 900, 5000, 10_000_000]) {
      const { skip, fire } = decide(seconds, policy)
      const firstFired = seconds - 30 - late
      expect(nominals(fire)).toEqual(range(firstFired, seconds))
      expect([skip?.first, skip?.last]).toEqual([T + 1000, T + (firstFired - 1) * 1000])
      expect(skip?.count).toBe(seconds < 1000 ? firstFired - 1 : undefined)
      expect(skip?.reason).toContain('late')
    }
  })

  it('skips nothing where all may fire', () => {
    expect(decide(40, 'fire_all')).toEqual({ fire: [...ticksBetween(rule, T + 1000, T + 40_001)] })
    expect(decide(10, 'skip').skip).toBeUndefined()
  })

  it('leaves alone what is due later than it is asked about', () => {
    const { skip, fire } = decide(100, 'fire_once', { until: T + 50_000 })
    expect([skip?.last, nominals(fire)]).toEqual([T + 49_000, [50]])
  })
})
