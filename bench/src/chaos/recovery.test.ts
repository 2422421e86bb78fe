import type { TimelineEntry } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { recoveriesOf, wasUndisturbed } from './recovery.ts'
import type { Hit } from './storm.ts'

const time = (second: number): string => new Date(second * 1000).toISOString()
const started = (second: number, attempt: number, pid: number): TimelineEntry => ({
  at: time(second),
  event: 'started',
  attempt,
  detail: `by worker some-host-${pid}-a1b2c3`,
})
const lost = (second: number, attempt: number): TimelineEntry => ({ at: time(second), event: 'worker_lost', attempt })
const hit = (second: number, pid: number, more: Partial<Hit> = {}): Hit => ({
  atMs: 0,
  member: 'worker-1',
  kind: 'kill',
  forMs: 1000,
  pid,
  at: second * 1000,
  ...more,
})

describe('the recovery of a job', () => {
  it('lasts from the kill of its worker to its next start', () => {
    const timeline = [started(1, 1, 11), lost(8, 1), started(9, 2, 12)]
    expect(recoveriesOf(timeline, [hit(3, 11)])).toEqual([{ from: 3000, until: 9000 }])
  })

  it('is counted for each death', () => {
    const timeline = [started(1, 1, 11), lost(8, 1), started(9, 2, 12), lost(15, 2), started(16, 3, 13)]
    expect(recoveriesOf(timeline, [hit(3, 11), hit(10, 12)])).toHaveLength(2)
  })

  it('is no kill’s if another process was killed, at another time, or in another way', () => {
    const timeline = [started(1, 1, 11), lost(8, 1), started(9, 2, 12)]
    expect(recoveriesOf(timeline, [hit(3, 12)])).toEqual([])
    expect(recoveriesOf(timeline, [hit(10, 11)])).toEqual([])
    expect(recoveriesOf(timeline, [hit(3, 11, { kind: 'freeze' })])).toEqual([])
  })

  it('is none for a job that had ended its attempt, or that no attempt was left for', () => {
    const handedBack: TimelineEntry = { at: time(4), event: 'handed_back', attempt: 1 }
    expect(recoveriesOf([started(1, 1, 11), handedBack, started(9, 2, 12)], [hit(5, 11)])).toEqual([])
    expect(recoveriesOf([started(1, 1, 11), lost(8, 1)], [hit(3, 11)])).toEqual([])
  })

  it('finds the next start also where the clocks put it first', () => {
    const timeline = [started(1, 1, 11), started(7, 2, 12), lost(8, 1)]
    expect(recoveriesOf(timeline, [hit(3, 11)])).toEqual([{ from: 3000, until: 7000 }])
  })

  it('was undisturbed unless something was done to Redis meanwhile or shortly before', () => {
    const recovery = { from: 10_000, until: 16_000 }
    const redis = { member: 'redis' } as const
    expect(wasUndisturbed(recovery, [hit(12, 1), hit(1, 2, redis), hit(17, 2, redis)])).toBe(true)
    expect(wasUndisturbed(recovery, [hit(12, 2, redis)])).toBe(false)
    expect(wasUndisturbed(recovery, [hit(1, 2, { ...redis, kind: 'freeze', forMs: 8000 })])).toBe(false)
  })
})
