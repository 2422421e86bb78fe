import { expect, it } from 'vitest'
import { Agenda } from './agenda.ts'

const item = (name: string, lookAt: number) => ({ name, lookAt, isGone: false })
const names = (items: { name: string }[]): string[] => items.map(({ name }) => name)

it('gives what is due, the oldest first, each once', () => {
  const agenda = new Agenda<ReturnType<typeof item>>()
  for (const one of [item('b', 5_000), item('a', 1_000), item('c', 5_001), item('never', Number.POSITIVE_INFINITY)])
    agenda.put(one)
  expect(names(agenda.take(4_999, 10))).toEqual(['a'])
  expect(names(agenda.take(5_999, 10))).toEqual(['b'])
  expect(names(agenda.take(6_000, 10))).toEqual(['c'])
  expect(names(agenda.take(Number.MAX_SAFE_INTEGER, 10))).toEqual([])
})

it('keeps what is too much for the next time', () => {
  const agenda = new Agenda<ReturnType<typeof item>>()
  for (const name of ['a', 'b', 'c']) agenda.put(item(name, 1_000))
  agenda.put(item('d', 2_000))
  expect(names(agenda.take(3_000, 2))).toEqual(['a', 'b'])
  agenda.put(item('e', 0))
  expect(names(agenda.take(3_000, 2)).sort()).toEqual(['c', 'e'])
  expect(names(agenda.take(3_000, 2))).toEqual(['d'])
})

it('gives what was due long ago in the same second, and also after years', () => {
  const agenda = new Agenda<ReturnType<typeof item>>()
  const year = 365 * 24 * 60 * 60 * 1000
  agenda.put(item('a', 0))
  expect(names(agenda.take(50 * year, 10))).toEqual(['a'])
  agenda.put(item('b', 0))
  expect(names(agenda.take(50 * year, 10))).toEqual(['b'])
  agenda.put(item('c', 51 * year))
  expect(names(agenda.take(50 * year + 100_000, 10))).toEqual([])
  expect(names(agenda.take(52 * year, 10))).toEqual(['c'])
  // A clock that was put back.
  agenda.put(item('d', 0))
  expect(names(agenda.take(50 * year, 10))).toEqual([])
})

it('keeps of what is replaced again and again no more than there is', () => {
  const agenda = new Agenda<ReturnType<typeof item>>()
  for (const name of ['a', 'b', 'c']) agenda.put(item(name, 1_000))
  let last = item('d', 2_000)
  agenda.put(last)
  for (let n = 0; n < 100; n++) {
    agenda.drop(last)
    last = item('d', 2_000)
    agenda.put(last)
  }
  expect(agenda.size).toBeLessThanOrEqual(9)
  const taken = agenda.take(2_000, 100).filter(({ isGone }) => !isGone)
  expect(names(taken)).toEqual(['a', 'b', 'c', 'd'])
  expect(agenda.size).toBe(0)
  // One that is nowhere in it counts for nothing.
  agenda.put(item('e', 3_000))
  agenda.drop(item('never', Number.POSITIVE_INFINITY))
  expect(names(agenda.take(3_000, 100))).toEqual(['e'])
})
