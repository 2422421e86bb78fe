import { describe, expect, it } from 'vitest'
import { shareSlots } from './share-slots.ts'

const countsOf = (owners: string[]) => Map.groupBy(owners, (owner) => owner)

describe('shareSlots', () => {
  it('gives every slot to somebody, and much the same number to each', () => {
    const shares = [...countsOf(shareSlots(6400, ['a-1', 'a-2', 'a-3', 'a-4'])).values()]
    expect(shares).toHaveLength(4)
    for (const { length } of shares) expect(Math.abs(length - 1600)).toBeLessThan(200)
    expect(shareSlots(64, [])).toEqual([])
    expect(new Set(shareSlots(64, ['alone']))).toEqual(new Set(['alone']))
  })

  it('is the same in whatever order the members are known', () => {
    expect(shareSlots(64, ['c', 'a', 'b'])).toEqual(shareSlots(64, ['a', 'b', 'c']))
  })

  it('moves slots only to who comes, and from who goes', () => {
    const two = shareSlots(640, ['a', 'b'])
    const three = shareSlots(640, ['a', 'b', 'c'])
    const moved = three.filter((owner, slot) => owner !== two[slot])
    expect(new Set(moved)).toEqual(new Set(['c']))
    expect(Math.abs(moved.length - 640 / 3)).toBeLessThan(80)
  })
})
