import { describe, expect, it } from 'vitest'
import { isJobId, newJobId } from './job-id.ts'

const NOW = Date.UTC(2026, 10, 21, 12, 30, 15, 123)

describe('newJobId', () => {
  it('has the layout of a UUIDv7: time in ms, version 7, variant 10', () => {
    const [time1, time2, version, variant] = newJobId(NOW).split('-') as [string, string, string, string]
    expect(Number.parseInt(time1 + time2, 16)).toBe(NOW)
    expect(version).toMatch(/^7[0-9a-f]{3}$/)
    expect(variant).toMatch(/^[89ab][0-9a-f]{3}$/)
  })

  it.each([0, 1, NOW, 2 ** 48 - 1])('holds the time %d', (ms) => {
    const id = newJobId(ms)
    expect(isJobId(id)).toBe(true)
    expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(ms)
  })

  it('sorts by time, to the millisecond', () => {
    const times = Array.from({ length: 1000 }, (_, i) => NOW + i * 977)
    const ids = times.map(newJobId)
    expect([...ids].sort()).toEqual(ids)
  })

  it('sorts by the order of making within a millisecond', () => {
    const ids = Array.from({ length: 1000 }, () => newJobId(NOW + 1))
    expect(ids.toSorted()).toEqual(ids)
  })

  it('is never the same twice, and is an id', () => {
    const ids = Array.from({ length: 100_000 }, () => newJobId(NOW))
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.every(isJobId)).toBe(true)
  })

  it('uses all of its random bits', () => {
    const ids = Array.from({ length: 10_000 }, (_, i) =>
      newJobId(NOW + 10 + i)
        .replaceAll('-', '')
        .slice(13),
    )
    const places = Array.from({ length: 19 }, (_, place) => new Set(ids.map((id) => id[place])))
    // The counter begins in its lower half; the variant leaves two bits of its digit.
    const sizes = places.map((_, place) => ({ 0: 8, 3: 4 })[place] ?? 16)
    expect(places.map(({ size }) => size)).toEqual(sizes)
  })
})

describe('isJobId', () => {
  it('accepts any UUID in lower case, whatever its version', () => {
    expect(isJobId('0af76519-16cd-53dd-8448-eb211c80319c')).toBe(true)
  })

  it.each([
    '',
    'meta',
    '1',
    newJobId(NOW).toUpperCase(),
    newJobId(NOW).replaceAll('-', ''),
    `${newJobId(NOW)}\n`,
    ` ${newJobId(NOW)}`,
    `${newJobId(NOW)}:lock`,
    `{${newJobId(NOW)}}`,
    newJobId(NOW).replace(/.$/, 'g'),
  ])('refuses %j', (text) => {
    expect(isJobId(text)).toBe(false)
  })
})
