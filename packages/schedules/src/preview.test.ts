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
})
