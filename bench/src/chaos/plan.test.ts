import { describe, expect, it } from 'vitest'
import { MEMBERS, planBlows } from './plan.ts'
import { seededRandom } from './random.ts'

const TEN_MINUTES_MS = 600_000
const plan = (seed: number, durationMs = TEN_MINUTES_MS) => planBlows(seededRandom(seed, 'blows'), durationMs)

describe('the plan of a run', () => {
  it('follows from the seed', () => {
    expect(plan(7)).toEqual(plan(7))
    expect(plan(7)).not.toEqual(plan(8))
  })

  it.each([1, 2, 3])('kills well over a hundred times in ten minutes (seed %i)', (seed) => {
    expect(plan(seed).filter(({ kind }) => kind === 'kill').length).toBeGreaterThanOrEqual(115)
  })

  it('hits every process in each of the three ways, in half an hour', () => {
    const hit = new Set(plan(1, 3 * TEN_MINUTES_MS).map(({ member, kind }) => `${kind} ${member}`))
    const all = MEMBERS.flatMap((member) => ['kill', 'stop', 'freeze'].map((kind) => `${kind} ${member}`))
    expect([...hit].sort()).toEqual(all.sort())
  })

  it('is in the order of time and ends with the run', () => {
    const times = plan(1, 60_000).map(({ atMs }) => atMs)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(times.at(-1)).toBeLessThan(60_000)
  })

  it.each([1, 2, 3, 4, 5])('has Redis silent for longer than a lock lasts, in a minute too (seed %i)', (seed) => {
    for (const durationMs of [60_000, TEN_MINUTES_MS]) {
      const ofRedis = plan(seed, durationMs).filter(({ member }) => member === 'redis')
      const whole = ofRedis.filter(
        ({ atMs, kind, forMs }) =>
          kind === 'freeze' &&
          forMs >= 6000 &&
          atMs + forMs < durationMs &&
          // It is there when it is to be frozen, and nothing ends that early.
          ofRedis.every((other) => other.atMs === atMs || other.atMs + other.forMs < atMs || other.atMs > atMs + forMs),
      )
      expect(whole).not.toEqual([])
    }
  })
})
