import { isJobId } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { tickJobId } from './tick-job-id.ts'

const T = 1_900_000_000_000

describe('tickJobId', () => {
  it('is always the same for a schedule and an instant, and another for any other', () => {
    const id = tickJobId('acme/nightly', T)
    expect(tickJobId('acme/nightly', T)).toBe(id)
    const others = [tickJobId('acme/nightly', T + 1), tickJobId('globex/nightly', T), tickJobId('acme/nightly', T, 'a')]
    expect(new Set([id, ...others]).size).toBe(4)
    for (const each of [id, ...others]) expect(isJobId(each)).toBe(true)
  })

  it('is a UUIDv8 that begins with the instant, as a UUIDv7 does', () => {
    const id = tickJobId('acme/nightly', T)
    expect(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)).toBe(T)
    expect(id).toMatch(/^[0-9a-f-]{14}8[0-9a-f]{3}-[89ab][0-9a-f]{3}-/)
  })
})
