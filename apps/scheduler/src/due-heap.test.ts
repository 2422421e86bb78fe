import { describe, expect, it } from 'vitest'
import { DueHeap } from './due-heap.ts'

describe('DueHeap', () => {
  it('gives the earliest first, whatever the order in which they came', () => {
    const heap = new DueHeap<{ dueAt: number }>()
    // A fixed sequence that repeats after 1009 steps (a prime), with some values twice.
    const times = Array.from({ length: 2000 }, (_, i) => (i * 617) % 1009)
    for (const dueAt of times) heap.push({ dueAt })
    expect(heap.size).toBe(2000)
    expect(heap.peek()?.dueAt).toBe(0)
    expect(times.map(() => heap.pop()?.dueAt)).toEqual([...times].sort((a, b) => a - b))
    expect([heap.pop(), heap.peek(), heap.size]).toEqual([undefined, undefined, 0])
  })

  it('keeps what fits, in order', () => {
    const heap = new DueHeap<{ dueAt: number }>()
    for (let i = 0; i < 100; i++) heap.push({ dueAt: (i * 37) % 101 })
    heap.retain(({ dueAt }) => dueAt % 2 === 0)
    const left = Array.from({ length: heap.size }, () => heap.pop()?.dueAt as number)
    expect(left).toEqual([...left].sort((a, b) => a - b))
    expect(left.every((dueAt) => dueAt % 2 === 0)).toBe(true)
  })
})
