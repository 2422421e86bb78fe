import { describe, expect, it } from 'vitest'
import { Calendar } from './calendar.ts'
import { type CatchUp, catchUp } from './catch-up.ts'
import { compileRule } from './compile-rule.ts'
import { decideMisfire } from './misfire.ts'
import type { RuleDefinition } from './rule.ts'
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

  it('decides of no tick before the first, however many may be made up', () => {
    for (const seconds of [1200, 5030]) {
      const { skip, fire } = decide(seconds, 'fire_all', { maxCatchUp: 5000 })
      expect([nominals(fire.slice(0, 1)), skip]).toEqual([[1], undefined])
    }
    const { skip, fire } = decide(5032, 'fire_all', { maxCatchUp: 5000 })
    expect([nominals(fire.slice(0, 1)), skip?.last]).toEqual([[2], T + 1000])
  })

  const weekends = new Map([['weekends', new Calendar({ name: 'weekends', windows: [{ days: ['sat', 'sun'] }] })]])
  const cases: [string, Omit<RuleDefinition, 'id'>, Partial<CatchUp>][] = [
    ['is due every second', { everyMs: 1000 }, { maxCatchUp: 2000 }],
    ['has jitter', { cron: '* * * * *', jitterMs: 50_000 }, { maxCatchUp: 2000 }],
    ['a calendar shifts', { everyMs: 60_000, calendars: [{ name: 'weekends', mode: 'shift' }] }, { maxCatchUp: 2000 }],
    ['comes in bursts', { cron: '*/3 0-29 3 * * MON' }, { maxCatchUp: 3000 }],
    ['has many ticks that are not late yet', { everyMs: 1000 }, { lateAfterMs: 3_500_000, maxCatchUp: 200 }],
    ['was another one', { everyMs: 1000 }, { until: T + 2_500_000 }],
  ]

  it.each(cases)('decides in several turns of a rule that %s as it would in one', (_, definition, more) => {
    const some = compileRule({ id: 'r', ...definition }, weekends)
    const all: Tick[] = []
    while (all.length < 4999) all.push(nextTick(some, all.at(-1)?.nominal ?? T) as Tick)
    const now = (all.at(-1) as Tick).due
    const missed = all.filter(({ due }) => due <= (more.until ?? now))
    for (const policy of ['skip', 'fire_once', 'fire_all'] as const) {
      const rest = { policy, now, lateAfterMs: 30_000, maxCatchUp: 10, ...more }
      const fired: Tick[] = []
      const skipped: number[] = []
      let first: Tick | undefined = missed[0]
      for (let turns = 0; first && first.due <= (more.until ?? now); turns++) {
        expect(turns).toBeLessThan(20)
        const { fire, skip } = catchUp({ rule: some, first, ...rest })
        const part = fire.slice(0, 500)
        fired.push(...part)
        if (skip) skipped.push(skip.first, skip.last)
        first = nextTick(some, part.at(-1)?.nominal ?? (skip?.last as number))
      }
      const inOne = decideMisfire({ missed, ...rest })
      expect(fired).toEqual(inOne.fire)
      expect(skipped).toEqual([inOne.skip[0], inOne.skip.at(-1)].flatMap((one) => one?.tick.nominal ?? []))
    }
  })
})
