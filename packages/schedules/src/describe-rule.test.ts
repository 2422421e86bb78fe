import { describe, expect, it } from 'vitest'
import { Calendar } from './calendar.ts'
import { compileRule } from './compile-rule.ts'
import { describeRule } from './describe-rule.ts'

const described = (cron: string) => describeRule(compileRule({ id: 'a', cron, timezone: 'Europe/Berlin' }))

describe('describeRule', () => {
  it.each([
    ['* * * * * *', 'every second'],
    ['*/10 * * * * *', 'every 10 seconds'],
    ['* * * * *', 'every minute'],
    ['*/15 * * * *', 'every 15 minutes'],
    ['0 * * * *', 'every hour'],
    ['5 * * * *', 'at minute 5 of every hour'],
    ['*/45 * * * *', 'at minutes 0 and 45 of every hour'],
    ['0 */2 * * *', 'every 2 hours, Europe/Berlin'],
    ['30 2 * * *', 'at 02:30 every day, Europe/Berlin'],
    ['15 30 2 * * *', 'at 02:30:15 every day, Europe/Berlin'],
    ['30 2 * * 1-5', 'at 02:30 on weekdays, Europe/Berlin'],
    ['0 9,12,18 * * SAT,SUN', 'at 09:00, 12:00 and 18:00 on weekends, Europe/Berlin'],
    ['0 9 * * MON,FRI', 'at 09:00 on Monday and Friday, Europe/Berlin'],
    ['*/15 9-17 * * 1-5', 'every 15 minutes from 09:00 to 17:45 on weekdays, Europe/Berlin'],
    ['0 8-20 * * *', 'every hour from 08:00 to 20:00, Europe/Berlin'],
    ['*/5 * * * 1-5', 'every 5 minutes on weekdays, Europe/Berlin'],
    ['0 0 1 * *', 'at 00:00 on day 1 of every month, Europe/Berlin'],
    ['0 0 1,15 JAN,JUL *', 'at 00:00 on days 1 and 15 of January and July, Europe/Berlin'],
    ['0 0 L * *', 'at 00:00 on the last day of every month, Europe/Berlin'],
    ['0 0 LW 12 *', 'at 00:00 on the last weekday of December, Europe/Berlin'],
    ['0 0 15W * *', 'at 00:00 on the weekday nearest to day 15 of every month, Europe/Berlin'],
    ['0 9 * * FRI#2', 'at 09:00 on the second Friday of every month, Europe/Berlin'],
    ['0 9 * MAR FRI#L', 'at 09:00 on the last Friday of March, Europe/Berlin'],
    ['0 9 * * MON,FRI#1', 'at 09:00 on every Monday and the first Friday of every month, Europe/Berlin'],
    ['0 9 * JUN *', 'at 09:00 in June, Europe/Berlin'],
    ['0 0 9 1 1 * 2030', 'at 09:00 on day 1 of January in 2030, Europe/Berlin'],
    ['0 0 13 * FRI', 'by the cron expression "0 0 13 * FRI", Europe/Berlin'],
    ['1,7,8 3,4,9,11 * * *', 'by the cron expression "1,7,8 3,4,9,11 * * *", Europe/Berlin'],
  ])('%s is %s', (cron, text) => {
    expect(described(cron)).toBe(text)
  })

  it.each([
    [{ everyMs: 900_000 }, 'every 15 minutes'],
    [{ everyMs: 90_000 }, 'every 90 seconds'],
    [{ everyMs: 3_600_000 }, 'every hour'],
    [{ everyMs: 1500 }, 'every 1500 ms'],
    [{ at: Date.UTC(2027, 0, 1, 8), timezone: 'Asia/Kolkata' }, 'once, on Friday 2027-01-01 13:30, Asia/Kolkata'],
  ])('%j is %s', (definition, text) => {
    expect(describeRule(compileRule({ id: 'a', ...definition }))).toBe(text)
  })

  it('tells of jitter and calendars', () => {
    const calendars = new Map(
      ['holidays', 'weekends', 'nights'].map((name) => [name, new Calendar({ name, dates: ['12-25'] })]),
    )
    const rule = compileRule(
      {
        id: 'a',
        cron: '30 2 * * *',
        jitterMs: 30_000,
        calendars: [{ name: 'holidays' }, { name: 'weekends' }, { name: 'nights', mode: 'shift' }],
      },
      calendars,
    )
    expect(describeRule(rule)).toBe(
      'at 02:30 every day, UTC, up to 30 seconds later, but not in holidays and weekends, moved to the end of nights',
    )
  })
})
