import { describe, expect, it } from 'vitest'
import { Calendar } from './calendar.ts'
import { compileRule } from './compile-rule.ts'
import { preview } from './preview.ts'
import { nextTick } from './tick.ts'

const FROM = Date.UTC(2027, 2, 26)

describe('preview', () => {
  it('has the ticks of nextTick, as many as asked for', () => {
    const rule = compileRule({ id: 'a', cron: '0 3 * * *', timezone: 'Europe/Berlin', jitterMs: 5000 })
    const ticks = preview(rule, FROM, 4)
    expect(ticks).toHaveLength(4)
    expect(ticks[0]).toEqual({ kind: 'tick', ...nextTick(rule, FROM) })
    expect(ticks[3]).toMatchObject(nextTick(rule, ticks[2]?.nominal ?? 0) ?? {})
  })

  it('ends with the rule', () => {
    expect(preview(compileRule({ id: 'a', at: FROM + 1 }), FROM, 4)).toEqual([
      { kind: 'tick', nominal: FROM + 1, due: FROM + 1 },
    ])
    expect(preview(compileRule({ id: 'a', at: FROM }), FROM, 4)).toEqual([])
  })

  it('has one line for all that a calendar skips in one go, however much that is', () => {
    const calendar = new Calendar({ name: 'weekends', windows: [{ days: ['sat', 'sun'] }] })
    const rule = compileRule(
      { id: 'a', cron: '* * * * * *', calendars: [{ name: 'weekends' }] },
      new Map([['weekends', calendar]]),
    )
    const [skipped, tick, ...others] = preview(rule, FROM + 86_400_000, 1)
    expect(skipped?.kind).toBe('skipped')
    expect(skipped?.explanation).toMatch(/up to Monday 2027-03-29 00:00$/)
    expect(tick).toMatchObject({ kind: 'tick', nominal: Date.UTC(2027, 2, 29) })
    expect(others).toEqual([])
  })

  it('is in the order of what is planned', () => {
    const calendar = new Calendar({ name: 'sundays', windows: [{ days: ['sun'] }] })
    const rule = compileRule(
      {
        id: 'a',
        cron: '30 2 * * *',
        timezone: 'Europe/Berlin',
        dst: { missing: 'skip', repeated: 'both' },
        calendars: [{ name: 'sundays', mode: 'exclude' }],
      },
      new Map([['sundays', calendar]]),
    )
    const nominals = preview(rule, FROM, 300).map(({ nominal }) => nominal)
    expect(nominals).toEqual(nominals.toSorted((a, b) => a - b))
  })

  it('tells what is skipped after the last tick, up to the end of the rule', () => {
    const holidays = new Map([['holidays', new Calendar({ name: 'holidays', dates: ['12-25', '12-26'] })]])
    const some = { id: 'a', cron: '0 9 * * *', endAt: Date.UTC(2027, 11, 27), calendars: [{ name: 'holidays' }] }
    const from = (day: number) => preview(compileRule(some, holidays), Date.UTC(2027, 11, day, 12), 3)
    const skipped = { kind: 'skipped', nominal: Date.UTC(2027, 11, 25, 9), explanation: expect.any(String) }
    expect(from(24)).toEqual([skipped])
    expect(from(23)).toEqual([expect.objectContaining({ kind: 'tick' }), skipped])
    expect(from(26)).toEqual([])

    const [clocks, ...others] = preview(
      compileRule({ id: 'a', cron: '0 30 2 * 3 * 2027', timezone: 'Europe/Berlin', dst: { missing: 'skip' } }),
      Date.UTC(2027, 2, 27, 12),
      30,
    )
    expect(clocks).toMatchObject({ kind: 'skipped', nominal: Date.UTC(2027, 2, 28, 1) })
    expect(others.map(({ kind }) => kind)).toEqual(['tick', 'tick', 'tick'])
  })

  it('tells no time that clocks leap over before the rule begins, or when it is over', () => {
    const some = { id: 'a', cron: '30 2 * * *', timezone: 'Europe/Berlin', dst: { missing: 'skip' } } as const
    const kinds = (limits: object) =>
      preview(compileRule({ ...some, ...limits }), FROM, 3).map(({ kind, nominal }) => `${kind} ${nominal - FROM}`)
    const [leap, day] = [Date.UTC(2027, 2, 28, 1), 86_400_000]
    expect(kinds({ startAt: leap + 1 })).not.toContainEqual(expect.stringContaining('skipped'))
    expect(kinds({ endAt: leap })).toEqual([
      `tick ${leap - FROM - 2 * day + 1_800_000}`,
      `tick ${leap - FROM - day + 1_800_000}`,
    ])
    expect(kinds({ endAt: leap + 1 })).toContainEqual(`skipped ${leap - FROM}`)
  })

  it.each([
    ['0:29:59', ['tick', 'skipped', 'tick']],
    ['0:59:59', ['skipped', 'tick', 'tick']],
    ['1:00:00', ['skipped', 'tick', 'tick']],
    ['1:30:00', ['tick', 'tick']],
  ])('tells the second of two repeated times from before, or from within the hours, at %s', (time, kinds) => {
    const rule = compileRule({ id: 'a', cron: '30 2 * * *', timezone: 'Europe/Berlin' })
    expect(preview(rule, Date.parse(`2027-10-31T0${time}Z`), 2).map(({ kind }) => kind)).toEqual(kinds)
  })
})
