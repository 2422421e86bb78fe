import { describe, expect, it } from 'vitest'
import { decideMisfire, type Misfire } from './misfire.ts'

const NOW = 1_800_000_000_000
/** Ticks that are due for so many seconds, the oldest first. */
const due = (...seconds: number[]) => seconds.map((s) => ({ nominal: NOW - s * 1000, due: NOW - s * 1000 }))
const decide = (policy: Misfire['policy'], seconds: number[], maxCatchUp = 100) => {
  const { fire, skip } = decideMisfire({ policy, missed: due(...seconds), now: NOW, lateAfterMs: 30_000, maxCatchUp })
  const secondsOf = ({ due: at }: { due: number }) => (NOW - at) / 1000
  return { fire: fire.map(secondsOf), skip: skip.map(({ tick }) => secondsOf(tick)) }
}

describe('decideMisfire', () => {
  it.each([
    ['skip', [90, 60, 31, 30, 1, 0], [30, 1, 0], [90, 60, 31]],
    ['fire_once', [90, 60, 31, 30, 1, 0], [31, 30, 1, 0], [90, 60]],
    ['fire_all', [90, 60, 31, 30, 1, 0], [90, 60, 31, 30, 1, 0], []],
    ['skip', [10], [10], []],
    ['fire_once', [31], [31], []],
    ['fire_all', [], [], []],
  ] as const)('with %s, of ticks due for %j s, %j fire', (policy, seconds, fire, skip) => {
    expect(decide(policy, [...seconds])).toEqual({ fire, skip })
  })

  it('makes up the last ticks if there are too many, and with 0 none', () => {
    expect(decide('fire_all', [300, 200, 100, 5], 2)).toEqual({ fire: [200, 100, 5], skip: [300] })
    expect(decide('fire_all', [300, 200, 100, 5], 0)).toEqual({ fire: [5], skip: [300, 200, 100] })
  })

  it('goes by when a tick is due, not by when it was planned', () => {
    const moved = { nominal: NOW - 3_600_000, due: NOW - 1000 }
    const decision = decideMisfire({ policy: 'skip', missed: [moved], now: NOW, lateAfterMs: 30_000, maxCatchUp: 1 })
    expect(decision.fire).toEqual([moved])
  })

  it('gives each skipped tick its reason', () => {
    const skipped = (policy: Misfire['policy']) =>
      decideMisfire({ policy, missed: due(60, 50), now: NOW, lateAfterMs: 30_000, maxCatchUp: 1 }).skip[0]?.reason
    expect(skipped('skip')).toBe('60000 ms late, more than 30000: late ticks are skipped')
    expect(skipped('fire_once')).toBe(
      '60000 ms late, more than 30000: the tick of 2027-01-15T07:59:10.000Z stands for it',
    )
    expect(skipped('fire_all')).toBe('60000 ms late, more than 30000, and not one of the last 1, which are made up')
  })
})
