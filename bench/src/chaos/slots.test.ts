import { describe, expect, test } from 'vitest'
import { Slots } from './slots.ts'

/** Work that is told when to end. */
function held() {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  return { work: () => promise, end: resolve, fail: reject }
}

describe('slots', () => {
  test('begin no more pieces of work at once than there are slots, and the next when one ends', async () => {
    const slots = new Slots(2)
    const works = Array.from({ length: 4 }, held)
    const begun: number[] = []
    const runs = works.map(({ work }, index) =>
      slots.run(() => {
        begun.push(index)
        return work()
      }),
    )
    expect(begun).toEqual([0, 1])

    works[1]?.end()
    await runs[1]
    await Promise.resolve()
    expect(begun).toEqual([0, 1, 2])

    for (const { end } of works) end()
    await Promise.all(runs)
    expect(begun).toEqual([0, 1, 2, 3])
  })

  test('are free again when the work in them fails', async () => {
    const slots = new Slots(1)
    const failing = slots.run(() => Promise.reject(new Error('no')))
    const next = slots.run(() => Promise.resolve('done'))
    await expect(failing).rejects.toThrow('no')
    expect(await next).toBe('done')
  })

  test('give back what the work gives', async () => {
    expect(await new Slots(1).run(() => Promise.resolve(7))).toBe(7)
  })
})
