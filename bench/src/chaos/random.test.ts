import { describe, expect, it } from 'vitest'
import { seededRandom } from './random.ts'

const draw = (seed: number, stream: string, count = 20): number[] => {
  const random = seededRandom(seed, stream)
  return Array.from({ length: count }, () => random.next())
}

describe('a seeded random', () => {
  it('gives the same numbers for the same seed and stream, and others for another', () => {
    expect(draw(7, 'blows')).toEqual(draw(7, 'blows'))
    expect(draw(7, 'blows')).not.toEqual(draw(8, 'blows'))
    expect(draw(7, 'blows')).not.toEqual(draw(7, 'requests'))
  })

  it('is spread evenly from 0 to 1', () => {
    const numbers = draw(1, 'blows', 10_000)
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true)
    for (let tenth = 0; tenth < 10; tenth++) {
      const within = numbers.filter((number) => Math.floor(number * 10) === tenth)
      expect(within.length).toBeGreaterThan(850)
      expect(within.length).toBeLessThan(1150)
    }
  })

  it('gives whole numbers between two, both included', () => {
    const random = seededRandom(1, 'between')
    const numbers = Array.from({ length: 200 }, () => random.between(3, 5))
    expect([...new Set(numbers)].sort()).toEqual([3, 4, 5])
  })

  it('picks by weight, and never what has none', () => {
    const random = seededRandom(1, 'pick')
    const entries = [
      { name: 'often', weight: 3 },
      { name: 'never', weight: 0 },
      { name: 'seldom', weight: 1 },
    ]
    const names = Array.from({ length: 4000 }, () => random.pick(entries).name)
    const share = names.filter((name) => name === 'often').length / names.length
    expect(share).toBeGreaterThan(0.7)
    expect(share).toBeLessThan(0.8)
    expect(names).not.toContain('never')
  })
})
