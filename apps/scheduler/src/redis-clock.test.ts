import type { Logger } from '@foliot/telemetry'
import { describe, expect, it } from 'vitest'
import { RedisClock } from './redis-clock.ts'

const T = 1_900_000_000_000

function open() {
  const told: string[] = []
  const log = { warn: (_: object, message: string) => void told.push(message) } as unknown as Logger
  return { clock: new RedisClock(log), told }
}

describe('RedisClock', () => {
  it('goes on from what Redis said last', () => {
    const { clock, told } = open()
    expect(() => clock.now()).toThrow('to have been read')
    const askedAt = performance.now()
    clock.set(T, askedAt)
    const now = clock.now()
    expect(now).toBeGreaterThanOrEqual(T)
    expect(now - T).toBeLessThanOrEqual(performance.now() - askedAt)
    expect(told).toEqual([])
  })

  it.each([
    [60_000, /jumped forward: ticks between are late/],
    [-60_000, /jumped back: ticks that were decided are not fired again/],
  ])('says when it jumps by %i ms, and goes by it', (byMs, message) => {
    const { clock, told } = open()
    clock.set(T, performance.now())
    clock.set(T + byMs, performance.now())
    expect(told).toEqual([expect.stringMatching(message)])
    expect(Math.abs(clock.now() - T - byMs)).toBeLessThan(30_000)
  })

  it('does not believe an answer that was long on its way and tells nothing new', () => {
    const { clock, told } = open()
    clock.set(T, performance.now())
    const before = clock.now()
    clock.set(T - 900, performance.now() - 900)
    expect(clock.now()).toBeGreaterThanOrEqual(before)
    expect(told).toEqual([])
  })
})
