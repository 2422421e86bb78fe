import { Calendar } from '@foliot/schedules'
import { describe, expect, it } from 'vitest'
import type { ScheduleBody } from './definitions.ts'
import { type ExpectedTick, expectedTicks } from './expected-ticks.ts'
import type { Version } from './ledger.ts'

/** 2026-11-22T00:00:00Z: the beginning of a minute. */
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

const timesOf = (second: number) => ({ sentAt: T0 + second * 1000, answeredAt: T0 + second * 1000 + 100 })
/** A version that was asked for at a second, and answered a tenth later. */
const version = (second: number, more: Partial<Version> = {}): Version => ({
  body: BODY,
  anchor: T0 + 50,
  ...timesOf(second),
  ...more,
})
const cronVersion = (second: number, cron: string, more: Partial<ScheduleBody> = {}): Version => {
  const { anchor, body, ...rest } = version(second)
  const { everyMs, ...policies } = body
  return { body: { ...policies, cron, ...more }, ...rest }
}

const SECOND_MINUTE = new Calendar({
  name: 'quiet',
  timezone: 'UTC',
  dates: [],
  windows: [{ days: ['sun'], from: '00:01', to: '00:02' }],
})

/** `<second>` of ticks that have to be decided, `<second>?` of those that may be; with what they may end as where asked for. */
function ticksOf(versions: Version[], ends = false, calendar?: Calendar): string[] {
  const calendars = new Map(calendar ? [[calendar.name, calendar]] : [])
  const ticks = [...expectedTicks({ id: 's', versions }, calendars).values()]
  return ticks
    .sort((a, b) => a.nominal - b.nominal)
    .map(({ nominal, must, may }) => {
      const text = `${(nominal - T0) / 1000}${must ? '' : '?'}`
      return ends ? `${text} ${[...may.keys()].join(' ')}` : text
    })
}

describe('the ticks to expect', () => {
  it('are all those between the making of a schedule and the end of the run', () => {
    expect(ticksOf([version(0), version(3, { pause: {} })])).toEqual([
      ...['0.05?', '1.05', '2.05', '3.05?', '4.05?', '5.05?', '6.05?', '7.05?', '8.05?'],
    ])
  })

  it('are the same for a rule that goes on through an edit, and none of them may be missing', () => {
    const edit = version(4, { body: { ...BODY, labels: { edit: '1' } } })
    expect(ticksOf([version(0), edit, version(8)]).slice(0, 8)).toEqual([
      ...['0.05?', '1.05', '2.05', '3.05', '4.05', '5.05', '6.05', '7.05'],
    ])
  })

  it('may be those of the old rule or of the new one until an edit holds for everybody', () => {
    const slower = version(2, { body: { ...BODY, everyMs: 2000 }, anchor: T0 + 2070 })
    expect(ticksOf([version(0), slower, { ...slower, ...timesOf(12) }]).slice(0, 12)).toEqual([
      ...['0.05?', '1.05', '2.05?', '2.07?', '3.05?', '4.05?', '4.07?', '5.05?', '6.05?', '6.07?', '7.05?', '8.07'],
    ])
  })

  it('fire or are skipped around a pause, and are skipped in it', () => {
    const versions = [version(0), version(2, { pause: {} }), version(9), version(16)]
    expect(ticksOf(versions, true).slice(1, 17)).toEqual([
      '1.05 fire',
      ...['2.05', '3.05', '4.05', '5.05', '6.05', '7.05'].map((second) => `${second} fire pause`),
      '8.05 pause',
      ...['9.05', '10.05', '11.05', '12.05', '13.05', '14.05'].map((second) => `${second} pause fire`),
      '15.05 fire',
      '16.05? fire',
    ])
  })

  it('say how long the version was over that they may be decided by', () => {
    const { may } = expectedTicks(
      { id: 's', versions: [version(0), version(2, { pause: {} }), version(9)] },
      new Map(),
    ).get(T0 + 3050) as ExpectedTick
    expect([...may]).toEqual([
      ['fire', 950],
      ['pause', 0],
    ])
  })

  it('fire again where a pause ends by itself', () => {
    const paused = version(1, { pause: { until: T0 + 9050 } })
    expect(ticksOf([version(0), paused, version(20)], true).slice(6, 11)).toEqual([
      ...['6.05 fire pause', '7.05 pause', '8.05 pause', '9.05 fire', '10.05 fire'],
    ])
  })

  it('may be late or overlap only if the schedule says so', () => {
    const more = { misfire: 'fire_once', overlap: 'skip' } as const
    const versions = [0, 5].map((second) => cronVersion(second, '*/2 * * * * *', more))
    expect(ticksOf(versions, true)[1]).toBe('2 fire late overlap')
  })

  it('are put off by a calendar, and not expected where it leaves them out', () => {
    const until = (mode: 'shift' | 'exclude') => {
      const more = { calendars: [{ name: 'quiet', mode }] }
      const versions = [0, 150].map((second) => cronVersion(second, '*/20 * * * * *', more))
      return ticksOf(versions, false, SECOND_MINUTE)
    }
    expect(until('exclude')).toEqual(['0?', '20', '40', '120', '140'])
    // What is put off to the end stands for what is due then.
    expect(until('shift')).toEqual(['0?', '20', '40', '60', '140'])
  })

  it('may be told by a later time that is put off with them, if an edit begins between the two', () => {
    const shifted = { calendars: [{ name: 'quiet', mode: 'shift' as const }] }
    const versions = [
      cronVersion(0, '5,50 * * * * *'),
      cronVersion(91, '*/10 * * * * *', shifted),
      cronVersion(200, '*/10 * * * * *', shifted),
    ]
    expect(ticksOf(versions, false, SECOND_MINUTE)).toEqual(expect.arrayContaining(['50', '60?', '100?', '130']))
    expect(ticksOf(versions, false, SECOND_MINUTE)).not.toContain('60')
  })

  it('may be at once what waited for something that an edit takes away', () => {
    const shifted = { calendars: [{ name: 'quiet', mode: 'shift' as const }] }
    const versions = [
      cronVersion(0, '0 * * * * *', shifted),
      cronVersion(80, '0 * * * * *'),
      cronVersion(200, '0 * * * * *'),
    ]
    expect(ticksOf(versions, false, SECOND_MINUTE)).toEqual(['0?', '60?', '120', '180'])
  })

  it('may be at the end of what a calendar holds, if the schedule was made in it', () => {
    const more = { calendars: [{ name: 'quiet', mode: 'shift' as const }] }
    const versions = [75, 150].map((second) => cronVersion(second, '*/20 * * * * *', more))
    expect(ticksOf(versions, false, SECOND_MINUTE)).toEqual(['80?', '140'])
  })

  it('fire at the end of what a calendar holds though they were planned in a pause, if that is over by then', () => {
    const more = { calendars: [{ name: 'quiet', mode: 'shift' as const }] }
    const [made, paused, ended] = [75, 82, 150].map((second) => cronVersion(second, '*/5 * * * * *', more)) as Version[]
    const versions = [made, { ...paused, pause: { until: T0 + 87_266 } }, ended] as Version[]
    expect(ticksOf(versions, true, SECOND_MINUTE)).toContain('85? fire')
  })

  it('do not lie before the schedule was made, also if they would be due afterwards', () => {
    const versions = [11, 45].map((second) => cronVersion(second, '*/10 * * * * *', { jitterMs: 9000 }))
    expect(ticksOf(versions)[0]).toBe('20')
  })
})
