import { SLOTS, slotOf } from '@foliot/queue'
import { shareSlots } from '@foliot/schedules'
import { describe, expect, it } from 'vitest'
import type { Hit } from '../storm.ts'
import { keyOf } from './expected-ticks.ts'
import { gapsOf } from './gaps.ts'
import type { ScheduleRecord, Version } from './ledger.ts'
import type { MemberName } from './plan.ts'

const NAMES = ['host-11-aaaaaa', 'host-12-bbbbbb', 'host-13-cccccc']
const OWNERS = shareSlots(SLOTS, NAMES)

/** An id of a schedule that this scheduler has. */
const idOf = (name: string | undefined): string => {
  for (let i = 0; ; i += 1) if (OWNERS[slotOf(keyOf(`s-${i}`))] === name) return `s-${i}`
}
const MINE = idOf(NAMES[0])
const OTHER = idOf(NAMES[1])

const version: Version = {
  body: {
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
  },
  anchor: 0,
  sentAt: 0,
  answeredAt: 10,
}
const record = (id: string, versions = [version]): ScheduleRecord => ({ id, versions })
const hit = (more: Partial<Hit<MemberName>> = {}): Hit<MemberName> => ({
  atMs: 0,
  member: 'scheduler-1',
  kind: 'kill',
  forMs: 1000,
  pid: 11,
  at: 60_400,
  ...more,
})
/** Each second from 50 s to 80 s, but with what was due in the hole made up at its end. */
const fires = ([from, to]: readonly [number, number]): number[] =>
  Array.from({ length: 30 }, (_, i) => 50_000 + i * 1000).map((at) => (at > from && at < to ? to : at))

const gaps = (hits: Hit<MemberName>[], records = [record(MINE), record(OTHER)], names = NAMES) =>
  gapsOf({
    hits,
    samples: [{ at: 1000, names }],
    records,
    fires: new Map([
      [MINE, fires([60_300, 63_700])],
      [OTHER, fires([0, 0])],
    ]),
  })

describe('the gap after a kill', () => {
  it('is the longest time that a rule of the killed scheduler was without a fire', () => {
    expect(gaps([hit()])).toEqual([{ hit: hit(), ms: 3700, scheduleId: MINE, from: 60_000, isUndisturbed: true }])
  })

  it('is an ordinary second where the others fired on', () => {
    expect(gaps([hit({ pid: 12 })])).toMatchObject([{ ms: 1000 }])
  })

  it('is disturbed by what is done to another one meanwhile, or shortly before', () => {
    const another = (at: number) => hit({ pid: 12, kind: 'stop', at })
    expect(gaps([hit(), another(62_000)])).toMatchObject([{ isUndisturbed: false }])
    expect(gaps([another(58_000), hit()])).toMatchObject([{ isUndisturbed: false }])
    expect(gaps([another(50_000), hit(), another(70_000)])).toMatchObject([{ isUndisturbed: true }])
  })

  it('is disturbed if there was nobody else', () => {
    expect(gaps([hit()], [record(MINE)], [NAMES[0] as string])).toMatchObject([{ isUndisturbed: false }])
  })

  it('is none for an orderly end, a scheduler that had nothing yet, and rules that were changed', () => {
    expect(gaps([hit({ kind: 'stop' })])).toEqual([])
    expect(gaps([hit({ pid: 99 })])).toEqual([])
    const paused = { ...version, pause: {}, sentAt: 62_000, answeredAt: 62_010 }
    expect(gaps([hit()], [record(MINE, [version, paused])])).toEqual([])
    const slower = { ...version, body: { ...version.body, everyMs: 2000 } }
    expect(gaps([hit()], [record(MINE, [slower])])).toEqual([])
  })
})
