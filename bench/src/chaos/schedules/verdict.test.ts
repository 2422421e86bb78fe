import { describe, expect, it } from 'vitest'
import type { ScheduleBody } from './definitions.ts'
import type { ScheduleRecord, Version } from './ledger.ts'
import { type Decided, judgeTicks, type TickMade } from './verdict.ts'

/** 2026-11-22T00:00:00Z */
const T0 = Date.UTC(2026, 10, 22)

const BODY: ScheduleBody = {
  type: 'chaos.tick',
  input: { file: '' },
  everyMs: 1000,
  timezone: 'UTC',
  jitterMs: 0,
  misfire: 'fire_all',
  lateAfterMs: 2000,
  maxCatchUp: 10_000,
  overlap: 'allow',
  calendars: [],
  labels: {},
}
const version = (second: number, more: Partial<Version> = {}): Version => ({
  body: BODY,
  anchor: T0,
  sentAt: T0 + second * 1000 + 500,
  answeredAt: T0 + second * 1000 + 600,
  ...more,
})

/** Due every second, made at 0.5 s, paused from 5.5 s to 15.5 s, over at 22.5 s: each of 1 to 22 has to be decided. */
const RECORD: ScheduleRecord = {
  id: 's',
  versions: [version(0), version(5, { pause: {} }), version(15), version(22, { pause: {} })],
}

const job = (second: number, more: Partial<TickMade> = {}): TickMade => ({
  id: `job ${second}`,
  scheduleId: 's',
  scheduledFor: T0 + second * 1000,
  createdAt: T0 + second * 1000 + 3,
  begun: 1,
  ...more,
})
const skip = (
  from: number,
  to: number,
  more: Partial<Decided['unfired'][number]> = {},
): Decided['unfired'][number] => ({
  scheduleId: 's',
  scheduledFor: T0 + from * 1000,
  until: T0 + to * 1000,
  outcome: 'skipped',
  reason: 'paused: chaos',
  ...more,
})

/** As it should be. */
const MADE = [1, 2, 3, 4, 5, 16, 17, 18, 19, 20, 21, 22].map((second) => job(second))
const UNFIRED = [skip(6, 15)]

const judge = (made: readonly TickMade[], unfired: Decided['unfired'] = UNFIRED, record = RECORD) =>
  judgeTicks([record], { made, unfired }, new Map())

/** What is said of each tick: `<kind> <second>`. */
const problemsOf = (...given: Parameters<typeof judge>): string[] =>
  judge(...given).problems.map(({ kind, scheduledFor }) => `${kind} ${(Date.parse(scheduledFor) - T0) / 1000}`)

const without = (second: number): TickMade[] => MADE.filter(({ id }) => id !== `job ${second}`)

describe('the verdict on the ticks of a schedule', () => {
  it('is good if each has its job, or a record of why not', () => {
    expect(judge(MADE)).toEqual({
      expected: 22,
      fired: 12,
      skipped: 10,
      reasons: new Map([['pause', 10]]),
      stale: [],
      problems: [],
    })
  })

  it('finds a tick that has neither', () => {
    expect(problemsOf(without(4))).toEqual(['lost 4'])
    expect(problemsOf(MADE, [skip(6, 12), skip(14, 15)])).toEqual(['lost 13'])
    expect(judge(without(4))).toMatchObject({ expected: 22, fired: 11, skipped: 10 })
  })

  it('finds one that is missing between two versions that both have it', () => {
    expect(problemsOf(without(16))).toEqual(['lost 16'])
    expect(problemsOf(MADE, [skip(7, 15)])).toEqual(['lost 6'])
  })

  it('finds every tick of a schedule that never fired', () => {
    expect(problemsOf([], [])).toHaveLength(22)
  })

  it('finds a tick that has two jobs', () => {
    expect(problemsOf([...MADE, job(4, { id: 'another' })])).toEqual(['doubled 4'])
  })

  it('finds a job that was made a second time after it had ended', () => {
    expect(problemsOf([...without(4), job(4, { begun: 2 })])).toEqual(['doubled 4'])
  })

  it('finds a tick that has a job and a record', () => {
    expect(problemsOf([...MADE, job(13)])).toEqual(['doubled 13', 'wrong 13'])
    // Around a pause it may be either, and never both.
    expect(problemsOf([...MADE, job(6)])).toEqual(['doubled 6'])
  })

  it('finds a tick that has two records', () => {
    expect(problemsOf(MADE, [skip(6, 8), skip(8, 15)])).toEqual(['doubled 8'])
  })

  it('takes either outcome around a pause, and tells how late it took effect', () => {
    const paused = judge([...MADE, job(6), job(7)], [skip(8, 15)])
    expect(paused).toMatchObject({ problems: [], stale: [400, 1400] })
    const resumed = judge(without(16), [skip(6, 16)])
    expect(resumed).toMatchObject({ problems: [], stale: [400] })
  })

  it('finds a job where no version has a tick', () => {
    expect(problemsOf([...MADE, job(3.2)])).toEqual(['wrong 3.2'])
    expect(problemsOf([...MADE, job(40)])).toEqual(['wrong 40'])
  })

  it('finds a job of a tick that was to be skipped, and the other way round', () => {
    expect(problemsOf([...MADE, job(13)], [skip(6, 12), skip(14, 15)])).toEqual(['wrong 13'])
    expect(problemsOf(without(3), [...UNFIRED, skip(3, 3)])).toEqual(['wrong 3'])
  })

  it('does not take a record to be of ticks that an earlier version would have had', () => {
    const slower = { body: { ...BODY, everyMs: 2000 }, anchor: T0 + 5550 }
    const versions = [version(0), version(5, slower), version(6, { ...slower, pause: {} })]
    const made = [1, 2, 3, 4, 5].map((second) => job(second))
    const paused = skip(7.55, 29.55)
    expect(problemsOf(made, [paused], { id: 's', versions })).toEqual([])
    expect(problemsOf(made, [skip(8, 8)], { id: 's', versions })).toEqual(['wrong 8'])
  })

  it('takes no reason that does not fit the schedule', () => {
    const missed = skip(3, 4, { outcome: 'missed', reason: '5000 ms late, more than 2000: late ticks are skipped' })
    const overlapped = skip(3, 4, { reason: 'the job of an earlier tick has not ended' })
    const full = skip(3, 4, { reason: 'the queue is full: 10 jobs wait in it' })
    const made = without(3).filter(({ id }) => id !== 'job 4')
    const lenient: ScheduleRecord = {
      id: 's',
      versions: RECORD.versions.map((one) => ({ ...one, body: { ...BODY, misfire: 'skip', overlap: 'skip' } })),
    }
    for (const record of [missed, overlapped, full]) {
      expect(problemsOf(made, [...UNFIRED, record])).toEqual(['wrong 3', 'wrong 4'])
    }
    expect(problemsOf(made, [...UNFIRED, missed], lenient)).toEqual([])
    expect(problemsOf(made, [...UNFIRED, overlapped], lenient)).toEqual([])
    expect(problemsOf(made, [...UNFIRED, full], lenient)).toEqual(['wrong 3', 'wrong 4'])
  })
})
