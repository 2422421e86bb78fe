import { expect, it } from 'vitest'
import { SLOT_MS, tag, tagsOfDuration, tagsOfDurations, tagsOfSlots, tagsOfTime } from './tags.ts'

it('has other tags for other labels, wherever a key ends', () => {
  const labels = [
    ['a', 'b=c'],
    ['a=b', 'c'],
    ['a\\', 'b=c'],
    ['a\\=b', 'c'],
  ] as const
  expect(new Set(labels.map(([key, value]) => tag.label(key, value))).size).toBe(labels.length)
})

it('finds every duration by the tags of a range that holds it, and few that lie outside', () => {
  const durations = [0, 1, 2, 3, 7, 8, 63, 64, 999, 1000, 1001, 59_999, 86_400_000, 1e9, 1e15]
  const isFound = (ms: number, min?: number, max?: number) => {
    const asked = new Set(tagsOfDurations(min, max))
    return tagsOfDuration(ms).some((each) => asked.has(each))
  }
  for (const ms of durations) {
    expect([ms, isFound(ms, ms, ms), isFound(ms, ms), isFound(ms, undefined, ms), isFound(ms)]).toEqual([
      ms,
      true,
      true,
      true,
      true,
    ])
    if (ms > 0 && ms < 1e8) expect([isFound(ms, ms * 1.03 + 1), isFound(ms, 0, ms * 0.97 - 1)]).toEqual([false, false])
  }
  expect(isFound(5, 9, 3)).toBe(false)
  expect(tagsOfDurations(1000).length).toBeLessThan(50)
})

it('finds every slot by the tags of a range that holds it, and no other', () => {
  for (const [first, last] of [
    [5, 5],
    [8, 15],
    [3, 90],
    [16, 8],
  ] as const) {
    const asked = new Set(tagsOfSlots(first, last))
    for (let slot = 0; slot < 100; slot++) {
      const isFound = tagsOfTime(slot * SLOT_MS).some((each) => asked.has(each))
      expect([first, last, slot, isFound]).toEqual([first, last, slot, first <= slot && slot <= last])
    }
  }
  expect(tagsOfSlots(96 * 20_000, 96 * 20_001 - 1).length).toBe(12)
})
