import { FoliotError } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { Calendar } from './calendar.ts'
import { compileRule } from './compile-rule.ts'
import { parseCron } from './cron-fields.ts'
import { daysOfMonth } from './days-of-month.ts'
import { dice } from './fixtures/dice.ts'
import { randomCron } from './fixtures/random-cron.ts'
import { ZONE_NAMES } from './fixtures/zone-names.ts'
import type { CompiledRule, RuleDefinition } from './rule.ts'
import { nextTick, previousTick, type Tick, ticksBetween } from './tick.ts'
import { zoneOf } from './zone.ts'

const DAY_MS = 86_400_000
const NOW = Date.UTC(2026, 10, 21, 12)

const ticksAfter = (rule: CompiledRule, after: number, count: number): Tick[] => {
  const ticks: Tick[] = []
  for (let tick = nextTick(rule, after); tick && ticks.length < count; tick = nextTick(rule, tick.nominal))
    ticks.push(tick)
  return ticks
}
const times = (definition: Partial<RuleDefinition>, count: number, after = NOW): string[] =>
  ticksAfter(compileRule({ id: 'a', ...definition }), after, count).map(({ nominal }) =>
    new Date(nominal).toISOString(),
  )
const days = (cron: string, count: number, after = NOW): string[] =>
  times({ cron }, count, after).map((time) => time.slice(0, 10))

const CALENDARS = new Map(
  [
    new Calendar({ name: 'weekends', timezone: 'America/New_York', windows: [{ days: ['sat', 'sun'] }] }),
    new Calendar({
      name: 'nights',
      timezone: 'Europe/Berlin',
      windows: [{ days: ['mon', 'wed', 'sun'], from: '22:00', to: '06:30' }],
    }),
    new Calendar({ name: 'holidays', dates: ['12-24', '12-25', '12-26', '2027-03-28', '02-29'] }),
  ].map((calendar) => [calendar.name, calendar]),
)

/** Rules of all kinds, with all options, that are due at some time after `NOW`. */
function rules(count: number, seed: number): { rule: CompiledRule; definition: RuleDefinition }[] {
  const roll = dice(seed)
  const made: { rule: CompiledRule; definition: RuleDefinition }[] = []
  while (made.length < count) {
    const definition: RuleDefinition = {
      id: `schedule-${made.length}`,
      ...(roll(1, 6) === 1 ? { everyMs: roll(1000, 3 * DAY_MS) } : { cron: randomCron(roll) }),
      timezone: ZONE_NAMES[roll(0, ZONE_NAMES.length - 1)],
      jitterMs: roll(0, 1) * roll(0, 999),
      ...(roll(0, 3) === 0 ? { startAt: NOW + roll(0, 100) * DAY_MS } : {}),
      ...(roll(0, 3) === 0 ? { endAt: NOW + roll(200, 900) * DAY_MS } : {}),
      calendars: [...CALENDARS.keys()].flatMap((name) =>
        roll(0, 2) > 0 ? [] : [{ name, mode: roll(0, 1) === 0 ? ('exclude' as const) : ('shift' as const) }],
      ),
    }
    const dst =
      definition.cron !== undefined && roll(0, 1) === 0
        ? {
            repeated: (['first', 'last', 'both'] as const)[roll(0, 2)] ?? 'first',
            missing: roll(0, 1) === 0 ? ('shift' as const) : ('skip' as const),
          }
        : undefined
    const rule = compiled({ ...definition, dst })
    if (rule && nextTick(rule, NOW)) made.push({ rule, definition: { ...definition, dst } })
  }
  return made
}

/** Undefined if it is never due; nothing else may be wrong with it. */
function compiled(definition: RuleDefinition): CompiledRule | undefined {
  try {
    return compileRule(definition, CALENDARS)
  } catch (error) {
    if (error instanceof FoliotError && /due at some time|never due/.test(error.message)) return undefined
    throw error
  }
}

describe('for any rule', () => {
  const all = rules(400, 1).map((made) => ({ ...made, ticks: ticksAfter(made.rule, NOW, 60) }))

  it('each tick is later than the one before, planned and due', () => {
    for (const { ticks, definition } of all)
      for (const [i, tick] of ticks.slice(1).entries()) {
        expect(tick.nominal, JSON.stringify(definition)).toBeGreaterThan((ticks[i] as Tick).nominal)
        expect(tick.due, JSON.stringify(definition)).toBeGreaterThan((ticks[i] as Tick).due)
      }
  })

  it('a tick shows in its zone what the expression says, if the clocks have such a time', () => {
    for (const { ticks, rule, definition } of all) {
      if (definition.cron === undefined) continue
      const fields = parseCron(definition.cron)
      for (const tick of ticks.filter(({ explanation }) => !explanation?.includes('not exist'))) {
        const local = new Date(rule.zone.localTime(tick.nominal))
        const [year, month] = [local.getUTCFullYear(), local.getUTCMonth() + 1]
        const has = (set: { low: number; high: number }, n: number) =>
          (n < 30 ? set.low >> n : set.high >> (n - 30)) & 1
        expect(
          [
            has(fields.seconds, local.getUTCSeconds()),
            has(fields.minutes, local.getUTCMinutes()),
            (fields.hours >> local.getUTCHours()) & 1,
            (daysOfMonth(fields, year, month) >> local.getUTCDate()) & 1,
            (fields.months >> month) & 1,
            Number(fields.years?.includes(year) ?? true),
            local.getUTCMilliseconds(),
          ],
          `${definition.cron} ${local.toISOString()}`,
        ).toEqual([1, 1, 1, 1, 1, 1, 0])
      }
    }
  })

  it('no tick is due in a time that one of its calendars holds', () => {
    for (const { ticks, rule, definition } of all)
      for (const { due } of ticks)
        for (const { calendar } of rule.calendars) expect(calendar.has(due), JSON.stringify(definition)).toBe(false)
  })

  it('none lies before the start, or at the end or after', () => {
    for (const { ticks, rule, definition } of all)
      for (const { nominal, due } of ticks) {
        expect(nominal, JSON.stringify(definition)).toBeGreaterThanOrEqual(rule.startAt)
        expect(due, JSON.stringify(definition)).toBeLessThan(rule.endAt)
      }
  })

  it('jitter is at most what was asked for, and at another run the same', () => {
    for (const { ticks, definition } of all) {
      const plain = compiled({ ...definition, jitterMs: 0 }) as CompiledRule
      const again = compiled(definition) as CompiledRule
      for (const tick of ticks) {
        const unmoved = nextTick(plain, tick.nominal - 1) as Tick
        expect(unmoved.nominal).toBe(tick.nominal)
        expect(tick.due - unmoved.due).toBeGreaterThanOrEqual(0)
        expect(tick.due - unmoved.due).toBeLessThanOrEqual(definition.jitterMs ?? 0)
        expect(nextTick(again, tick.nominal - 1)).toEqual(tick)
      }
    }
  })

  it('the ticks of two ranges that meet are those of both together', () => {
    const roll = dice(7)
    for (const { ticks, rule, definition } of all) {
      const [from, to] = [ticks[0]?.nominal ?? 0, (ticks.at(-1)?.nominal ?? 0) + 1]
      const middle = roll(0, 1) === 0 ? roll(from, to) : (ticks[roll(0, ticks.length - 1)]?.nominal ?? from)
      const parts = [...ticksBetween(rule, from, middle), ...ticksBetween(rule, middle, to)]
      expect(parts, JSON.stringify(definition)).toEqual([...ticksBetween(rule, from, to)])
      expect(parts).toEqual(ticks)
    }
  })

  it('the previous tick of a tick is the one before it', () => {
    for (const { ticks, rule, definition } of all.slice(0, 100))
      for (const [i, tick] of ticks.slice(1, 6).entries())
        expect(previousTick(rule, tick.nominal), JSON.stringify(definition)).toEqual(ticks[i])
  })
})

describe('cron', () => {
  it('has a leap day every four years, but not in 2100', () => {
    expect(days('0 0 29 2 *', 3, Date.UTC(2092, 0))).toEqual(['2092-02-29', '2096-02-29', '2104-02-29'])
  })

  it('knows the last day, the last weekday and the nearest weekday at the ends of months', () => {
    expect(days('0 0 L * *', 4)).toEqual(['2026-11-30', '2026-12-31', '2027-01-31', '2027-02-28'])
    // 2027-01-31, 2027-02-28 and 2027-05-31 are a Sunday, a Sunday and a Monday.
    expect(days('0 0 LW 1-5 *', 5)).toEqual(['2027-01-29', '2027-02-26', '2027-03-31', '2027-04-30', '2027-05-31'])
    // A W stays in its month: Saturday 2027-05-01 moves on, Sunday 2027-01-31 back; months without a 31st are left out.
    expect(days('0 0 1W 5 *', 1)).toEqual(['2027-05-03'])
    expect(days('0 0 31W * *', 4)).toEqual(['2026-12-31', '2027-01-29', '2027-03-31', '2027-05-31'])
  })

  it('counts weekdays of a month', () => {
    expect(days('0 0 * * FRI#2', 2)).toEqual(['2026-12-11', '2027-01-08'])
    expect(days('0 0 * * MON#5', 2)).toEqual(['2026-11-30', '2027-03-29'])
    expect(days('0 0 * * FRI#L', 2)).toEqual(['2026-11-27', '2026-12-25'])
    expect(days('0 0 * * 5L', 2)).toEqual(days('0 0 * * FRI#L', 2))
  })

  it('takes a day of the month or a weekday, or with + both', () => {
    expect(days('0 0 13 * FRI', 3, Date.UTC(2026, 11, 5))).toEqual(['2026-12-11', '2026-12-13', '2026-12-18'])
    expect(days('0 0 13 * +FRI', 2)).toEqual(['2027-08-13', '2028-10-13'])
  })

  it('has seconds in six fields and years in seven', () => {
    expect(times({ cron: '30 0 0 * * *' }, 1)).toEqual(['2026-11-22T00:00:30.000Z'])
    expect(times({ cron: '0 0 0 1 1 * 2030,2027' }, 5)).toEqual([
      '2027-01-01T00:00:00.000Z',
      '2030-01-01T00:00:00.000Z',
    ])
  })

  it('ends with the year 2199, and has no tick before 1970', () => {
    expect(times({ cron: '@yearly' }, 3, Date.UTC(2198, 5))).toEqual(['2199-01-01T00:00:00.000Z'])
    expect(times({ cron: '@yearly' }, 1, -1e15)).toEqual(['1970-01-01T00:00:00.000Z'])
    expect(times({ cron: '@yearly' }, 1, 1e15)).toEqual([])
  })

  it('starts at once, at a millisecond before the tick, and not twice at it', () => {
    expect(times({ cron: '* * * * *' }, 1, NOW - 1)).toEqual(['2026-11-21T12:00:00.000Z'])
    expect(times({ cron: '* * * * *' }, 1, NOW)).toEqual(['2026-11-21T12:01:00.000Z'])
  })

  it('finds the second of two equal times, also if no other is left', () => {
    const both = { timezone: 'Europe/Berlin', dst: { repeated: 'both' } } as const
    const twice = ['2027-10-31T00:30:00.000Z', '2027-10-31T01:30:00.000Z']
    expect(times({ ...both, cron: '0 30 2 31 10 * 2027' }, 3)).toEqual(twice)
    expect(times({ ...both, cron: '30 2 31 10 *' }, 3)).toEqual([...twice, '2028-10-31T01:30:00.000Z'])
    expect(times({ ...both, cron: '0 30 2 31 10 * 2027', dst: { repeated: 'last' } }, 3)).toEqual(twice.slice(1))
  })

  it('finds a day just before a change of clocks that is two changes away', () => {
    const rule = { cron: '0 12 27 3 *', timezone: 'Europe/Berlin' }
    expect(times(rule, 1, Date.UTC(2026, 3, 1))).toEqual(['2027-03-27T11:00:00.000Z'])
  })

  it('survives a day that a zone left out', () => {
    // Samoa went from 29 to 31 December 2011.
    const after = Date.UTC(2011, 11, 29, 12)
    const plain = { cron: '0 12 * * *', timezone: 'Pacific/Apia' }
    expect(times(plain, 3, after)).toEqual([
      ...['2011-12-29T22:00:00.000Z', '2011-12-30T10:00:00.000Z', '2011-12-30T22:00:00.000Z'],
    ])
    expect(times({ ...plain, dst: { missing: 'skip' } }, 2, after)).toEqual([
      ...['2011-12-29T22:00:00.000Z', '2011-12-30T22:00:00.000Z'],
    ])
  })
})

describe('everyMs', () => {
  it('counts from its anchor, both ways', () => {
    const rule = { everyMs: 90_000, anchor: NOW + 10_000 }
    expect(times(rule, 2)).toEqual(['2026-11-21T12:00:10.000Z', '2026-11-21T12:01:40.000Z'])
    expect(times(rule, 1, NOW - 90_000)).toEqual(['2026-11-21T11:58:40.000Z'])
  })

  it('counts from the start without one, and from 1970 without either', () => {
    expect(times({ everyMs: 90_000, startAt: NOW + 1 }, 2)).toEqual([
      '2026-11-21T12:00:00.001Z',
      '2026-11-21T12:01:30.001Z',
    ])
    expect(times({ everyMs: DAY_MS }, 1)).toEqual(['2026-11-22T00:00:00.000Z'])
  })
})

describe('at', () => {
  it('is due once', () => {
    expect(times({ at: NOW + 1 }, 5)).toEqual(['2026-11-21T12:00:00.001Z'])
    expect(times({ at: NOW }, 5)).toEqual([])
    expect(previousTick(compileRule({ id: 'a', at: NOW }), NOW + DAY_MS)).toEqual({ nominal: NOW, due: NOW })
  })
})

describe('previousTick', () => {
  it('finds none before the first', () => {
    expect(previousTick(compileRule({ id: 'a', everyMs: 1000, startAt: NOW }), NOW)).toBeUndefined()
    expect(previousTick(compileRule({ id: 'a', at: NOW }), NOW)).toBeUndefined()
    expect(previousTick(compileRule({ id: 'a', cron: '0 0 0 1 1 ? 2030' }), NOW)).toBeUndefined()
  })
})

describe('jitter', () => {
  it('spreads the schedules of one time evenly, and those of one schedule', () => {
    const dueOf = (id: string, nominal: number) =>
      (nextTick(compileRule({ id, cron: '0 0 * * *', jitterMs: 999 }), nominal - 1) as Tick).due - nominal
    const bySchedule = Array.from({ length: 2000 }, (_, i) => dueOf(`schedule-${i}`, Date.UTC(2027, 0)))
    const byTick = Array.from({ length: 2000 }, (_, i) => dueOf('one', Date.UTC(2027, 0, 1 + i)))
    for (const drawn of [bySchedule, byTick])
      for (const quarter of [0, 250, 500, 750]) {
        const count = drawn.filter((ms) => ms >= quarter && ms < quarter + 250).length
        // 500, give or take 19 (one standard deviation); the same at every run.
        expect(count).toBeGreaterThan(420)
        expect(count).toBeLessThan(580)
      }
  })

  it('stays out of calendars, and does not pile up before them', () => {
    const window = { days: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'], from: '12:10', to: '12:40' } as const
    const lunch = new Map([['lunch', new Calendar({ name: 'lunch', windows: [window] })]])
    const rule = compileRule(
      { id: 'a', cron: '0 12 * * *', jitterMs: 3_599_000, calendars: [{ name: 'lunch' }] },
      lunch,
    )
    const minutes = ticksAfter(rule, NOW, 600).map(({ nominal, due }) => Math.floor((due - nominal) / 60_000))
    expect(minutes.filter((minute) => minute >= 10 && minute < 40)).toEqual([])
    for (const minute of [0, 5, 9, 45, 55]) expect(minutes).toContain(minute)
  })

  it('never reaches the next tick', () => {
    const rule = compileRule({ id: 'a', cron: '* * * * * *', jitterMs: 60_000 })
    for (const { nominal, due } of ticksAfter(rule, NOW, 500)) expect(due - nominal).toBeLessThan(1000)
  })
})

describe('a tick that a calendar moves', () => {
  it('does not fire if it would move to the end of the schedule or beyond', () => {
    const friday = Date.UTC(2027, 0, 8)
    const rule = (endAt: number) =>
      compileRule(
        {
          id: 'a',
          cron: '0 12 * * *',
          timezone: 'America/New_York',
          endAt,
          calendars: [{ name: 'weekends', mode: 'shift' }],
        },
        CALENDARS,
      )
    const monday = Date.UTC(2027, 0, 11, 5)
    expect(ticksAfter(rule(monday), friday, 5).map(({ due }) => due)).toEqual([friday + 17 * 3_600_000])
    expect(ticksAfter(rule(monday + 1), friday, 5).map(({ due }) => due)).toEqual([friday + 17 * 3_600_000, monday])
  })
})

describe('Zone', () => {
  it.each(['Asia/Gaza', 'Asia/Hebron', 'Africa/Casablanca'])(
    '%s has the shortest stretches, before and after Ramadan',
    (name) => {
      const format = new Intl.DateTimeFormat('sv-SE', {
        ...({ timeZone: name, dateStyle: 'short', timeStyle: 'medium' } as const),
      })
      const zone = zoneOf(name)
      for (let ms = Date.UTC(2036, 0); ms < Date.UTC(2050, 0); ms += DAY_MS)
        expect(new Date(zone.localTime(ms)).toISOString()).toBe(`${format.format(ms).replace(' ', 'T')}.000Z`)
    },
  )

  it.each(ZONE_NAMES)('%s has the offsets of Intl, asked for in any order', (name) => {
    const format = new Intl.DateTimeFormat('sv-SE', {
      ...({ timeZone: name, dateStyle: 'short', timeStyle: 'medium' } as const),
    })
    const roll = dice(name.length)
    const zone = zoneOf(name)
    for (let i = 0; i < 300; i += 1) {
      const ms = roll(Date.UTC(2000, 0) / 1000, Date.UTC(2060, 0) / 1000) * 1000
      expect(new Date(zone.localTime(ms)).toISOString(), String(ms)).toBe(`${format.format(ms).replace(' ', 'T')}.000Z`)
    }
  })
})
