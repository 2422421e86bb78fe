import { describe, expect, it } from 'vitest'
import { seededRandom } from '../random.ts'
import { planSchedulerBlows, SCHEDULERS } from './plan.ts'

const plan = (seed: number, durationMs = 600_000) => planSchedulerBlows(seededRandom(seed, 'blows'), durationMs)
const ofKind = (seed: number, kind: string, durationMs?: number) =>
  plan(seed, durationMs).filter((blow) => blow.kind === kind)

describe('the plan of what is done to schedulers', () => {
  it('follows from the seed', () => {
    expect(plan(7)).toEqual(plan(7))
    expect(plan(7)).not.toEqual(plan(8))
  })

  it.each([1, 2, 3])('kills more than six times in a minute and sixty in ten (seed %i)', (seed) => {
    expect(ofKind(seed, 'kill', 60_000).length).toBeGreaterThan(6)
    expect(ofKind(seed, 'kill').length).toBeGreaterThan(60)
  })

  it('hits each scheduler in each of the three ways, and nobody else', () => {
    const hit = new Set(plan(1).map(({ member, kind }) => `${kind} ${member}`))
    const all = SCHEDULERS.flatMap((member) => ['kill', 'stop', 'freeze'].map((kind) => `${kind} ${member}`))
    expect([...hit].sort()).toEqual(all.sort())
  })

  it('freezes for 1 to 20 s', () => {
    const times = ofKind(1, 'freeze', 3_600_000).map(({ forMs }) => forMs)
    expect(Math.min(...times)).toBeGreaterThanOrEqual(1000)
    expect(Math.max(...times)).toBeLessThanOrEqual(20_000)
    expect(Math.max(...times)).toBeGreaterThan(15_000)
  })

  it('is in the order of time, ends with the run, and leaves every other kill alone', () => {
    const blows = plan(3)
    const times = blows.map(({ atMs }) => atMs)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(times.at(-1)).toBeLessThan(600_000)
    const alone = blows.filter(({ atMs, kind }, i) => {
      const [before, after] = [blows[i - 1]?.atMs ?? -10_000, blows[i + 1]?.atMs ?? Number.POSITIVE_INFINITY]
      return kind === 'kill' && atMs - before >= 4000 && after - atMs >= 4500
    })
    expect(alone.length).toBeGreaterThanOrEqual(Math.floor(ofKind(3, 'kill').length / 2))
  })
})
