import { FoliotError } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { Calendar, type CalendarDefinition } from './calendar.ts'
import { dice } from './fixtures/dice.ts'

const at = (text: string) => Date.parse(text)
const iso = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString())

describe('a calendar', () => {
  it('holds whole days by the clocks of its zone', () => {
    const holidays = new Calendar({ name: 'holidays', timezone: 'America/New_York', dates: ['2027-07-05', '12-25'] })
    expect(holidays.has(at('2027-07-05T03:59:59.999Z'))).toBe(false)
    expect(holidays.has(at('2027-07-05T04:00Z'))).toBe(true)
    expect(iso(holidays.endOf(at('2027-07-05T12:00Z')))).toBe('2027-07-06T04:00:00.000Z')
    expect(iso(holidays.startOf(at('2027-07-05T12:00Z')))).toBe('2027-07-05T04:00:00.000Z')
    for (const year of [2026, 2030, 2099]) expect(holidays.has(at(`${year}-12-25T12:00Z`))).toBe(true)
    expect(holidays.has(at('2028-07-05T12:00Z'))).toBe(false)
  })

  it('holds windows of the week, also past midnight and the end of the week', () => {
    const nights = new Calendar({ name: 'nights', windows: [{ days: ['sat'], from: '22:00', to: '04:30' }] })
    // 2027-01-09 is a Saturday.
    expect(iso(nights.startOf(at('2027-01-10T01:00Z')))).toBe('2027-01-09T22:00:00.000Z')
    expect(iso(nights.endOf(at('2027-01-09T23:00Z')))).toBe('2027-01-10T04:30:00.000Z')
    expect(nights.has(at('2027-01-09T04:00Z'))).toBe(false)
    expect(nights.endOf(at('2027-01-10T04:30Z'))).toBeUndefined()
    expect(nights.startOf(at('2027-01-10T04:30Z'))).toBeUndefined()
  })

  it('joins what touches: a weekend and the holiday after it', () => {
    const calendar = new Calendar({ name: 'off', dates: ['2027-01-11'], windows: [{ days: ['sat', 'sun'] }] })
    expect(iso(calendar.startOf(at('2027-01-11T12:00Z')))).toBe('2027-01-09T00:00:00.000Z')
    expect(iso(calendar.endOf(at('2027-01-09T12:00Z')))).toBe('2027-01-12T00:00:00.000Z')
  })

  it('follows its clocks when they are set', () => {
    const nights = new Calendar({
      name: 'nights',
      timezone: 'Europe/Berlin',
      windows: [{ days: ['sun'], from: '02:00', to: '03:00' }],
    })
    // The hour is missing on 28 March, and comes twice on 31 October.
    expect(nights.has(at('2027-03-28T00:59:59Z'))).toBe(false)
    expect(nights.has(at('2027-03-28T01:00Z'))).toBe(false)
    expect(iso(nights.startOf(at('2027-10-31T01:30Z')))).toBe('2027-10-31T00:00:00.000Z')
    expect(iso(nights.endOf(at('2027-10-31T00:30Z')))).toBe('2027-10-31T02:00:00.000Z')
  })

  it('has no end if every day of the year belongs to it', () => {
    const months = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    const dates = months.flatMap((length, month) =>
      Array.from({ length }, (_, day) => `${String(month + 1).padStart(2, '0')}-${String(day + 1).padStart(2, '0')}`),
    )
    expect(new Calendar({ name: 'always', dates }).endOf(at('2027-01-01T00:00Z'))).toBe(Number.POSITIVE_INFINITY)
  })

  it('holds all from start to end, and neither the instant before nor the one after', () => {
    const roll = dice(3)
    for (const timezone of [
      'Europe/Berlin',
      'Africa/Cairo',
      'Australia/Lord_Howe',
      'America/Havana',
      'Antarctica/Troll',
    ]) {
      const calendar = new Calendar({
        name: 'any',
        timezone,
        dates: ['2027-03-28', '2027-10-31', '04-30'],
        windows: [
          { days: ['fri', 'sat', 'sun'], from: '22:00', to: '03:00' },
          { days: ['sun'], from: '00:30', to: '01:45' },
          { days: ['tue'] },
        ],
      })
      for (let i = 0; i < 2000; i += 1) {
        const ms = roll(at('2027-01-01T00:00Z') / 1000, at('2028-01-01T00:00Z') / 1000) * 1000
        const [start, end] = [calendar.startOf(ms), calendar.endOf(ms)]
        if (!calendar.has(ms)) expect([start, end]).toEqual([undefined, undefined])
        else if (start === undefined || end === undefined) expect.fail(`${timezone} ${iso(ms)} has no start or end`)
        else {
          const edges = [start - 1, start, end - 1, end].map((edge) => calendar.has(edge))
          expect(edges, `${timezone} ${iso(ms)}`).toEqual([false, true, true, false])
          for (let step = 1; step < 20; step += 1) expect(calendar.has(start + ((end - start) * step) / 20)).toBe(true)
        }
      }
    }
  })

  it.each<[Partial<CalendarDefinition>, string]>([
    [{ dates: ['2027-02-29'] }, 'expected dates like 2027-12-25, or 12-25 for every year, got "2027-02-29"'],
    [{ dates: ['25.12.2027'] }, 'got "25.12.2027"'],
    [{ dates: ['13-01'] }, 'got "13-01"'],
    [{ windows: [{ days: [] }] }, 'at least one day'],
    [{ windows: [{ days: ['monday' as 'mon'] }] }, 'expected days of sun, mon, tue, wed, thu, fri, sat, got "monday"'],
    [{ windows: [{ days: ['mon'], from: '8:30' }] }, 'expected times like 08:30 or 24:00, got "8:30"'],
    [{ windows: [{ days: ['mon'], to: '24:01' }] }, 'got "24:01"'],
    [{ windows: [{ days: ['mon'], from: '24:00' }] }, 'begin before 24:00'],
    [{ windows: [{ days: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] }] }, 'leave some time of the week free'],
    [{ timezone: 'Europe/Berln' }, 'expected `timezone`'],
  ])('with %j is refused', (definition, problem) => {
    const make = () => new Calendar({ name: 'any', ...definition })
    expect(make).toThrow(FoliotError)
    expect(make).toThrow(problem)
  })
})
