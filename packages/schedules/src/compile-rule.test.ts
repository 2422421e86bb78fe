import { FoliotError } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { Calendar } from './calendar.ts'
import { compileRule } from './compile-rule.ts'
import type { RuleDefinition } from './rule.ts'

/** What is told to whoever asks for such a rule. */
function refusal(
  definition: Partial<RuleDefinition>,
  calendars: Calendar[] = [],
): { message: string; hint?: string | undefined } {
  try {
    compileRule({ id: 'a', ...definition }, new Map(calendars.map((calendar) => [calendar.name, calendar])))
  } catch (error) {
    if (!(error instanceof FoliotError)) throw error
    expect(error.code).toBe('validation_failed')
    expect(error.errors).toEqual([{ path: expect.stringMatching(/^\/\w+/), message: error.message }])
    return { message: error.message, hint: error.hint }
  }
  throw new Error(`${JSON.stringify(definition)} was taken`)
}

describe('a cron expression', () => {
  it.each([
    // expression, character, field, what the message has, what the hint has
    ['*/90 * * * * *', 1, 'seconds', 'every 60 s, not every 90 seconds', '`everyMs`: 90000'],
    ['*/90 * * * *', 1, 'minutes', 'every hour, not every 90 minutes', '`everyMs`: 5400000'],
    ['0 */36 * * *', 3, 'hours', 'every day, not every 36 hours', '`everyMs`: 129600000'],
    ['*/60 * * * * *', 1, 'seconds', 'means 0 alone', 'Write 0.'],
    ['0 */24 * * *', 3, 'hours', 'means 0 alone', 'Write 0.'],
    ['10-20/15 * * * *', 1, 'minutes', 'no second step within 10-20, so it means 10 alone', '`everyMs`: 900000'],
    ['0 0 */31 * *', 5, 'day of the month', 'means 1 alone', 'Write 1.'],
    ['60 * * * *', 1, 'minutes', 'expected 0 to 59, got 60', 'write 0'],
    ['60 0 0 * * *', 1, 'seconds', 'expected 0 to 59, got 60', 'write 0'],
    ['90 * * * *', 1, 'minutes', 'expected 0 to 59, got 90', '`everyMs`: 5400000'],
    ['0 24 * * *', 3, 'hours', 'expected 0 to 23, got 24', 'Midnight is 0'],
    ['0 0 0 * *', 5, 'day of the month', 'expected 1 to 31, got 0', 'is 1'],
    ['0 0 32 * *', 5, 'day of the month', 'expected 1 to 31, got 32', undefined],
    ['0 0 1 13 *', 7, 'month', 'expected 1 to 12, got 13', undefined],
    ['0 0 1 JAM *', 7, 'month', 'expected 1 to 12 or JAN to DEC, got "JAM"', 'JAN'],
    ['0 0 * * 8', 9, 'weekday', 'expected 0 to 7, got 8', '0 and 7 are Sunday'],
    ['0 0 1 1 * 2030', 11, 'weekday', 'got 2030', 'seventh field'],
    ['0 0 * * MONDAY', 9, 'weekday', 'got "MONDAY"', 'MON'],
    ['0 0 * * FRI-MON', 9, 'weekday', 'expected a range that goes up', 'FRI-SAT,SUN-MON'],
    ['0 22-2 * * *', 3, 'hours', 'expected a range that goes up', '22-23,0-2'],
    ['0 0 * OCT-MAR *', 7, 'month', 'expected a range that goes up', 'OCT-DEC,JAN-MAR'],
    ['5,,7 * * * *', 3, 'minutes', 'got nothing', undefined],
    ['5,6,x * * * *', 5, 'minutes', 'got "x"', undefined],
    ['  5   x * * *', 7, 'hours', 'got "x"', undefined],
    ['0/5 * * * * ?', 1, 'seconds', 'some read as 0 alone', '*/5'],
    ['5/10 * * * *', 1, 'minutes', 'some read as 5 alone', '5-59/10'],
    ['*/0 * * * *', 1, 'minutes', 'a step of 1 or more', undefined],
    ['*/x * * * *', 1, 'minutes', 'a step of 1 or more', undefined],
    ['1-2-3 * * * *', 1, 'minutes', 'one "-"', undefined],
    ['*/2/3 * * * *', 1, 'minutes', 'one "/"', undefined],
    ['? * * * *', 1, 'minutes', '"?" only for', '"*"'],
    ['0 0 ? * 2-6', 9, 'weekday', 'TUE-SAT in cron, MON-FRI in Quartz', 'MON-FRI'],
    ['0 0 ? * 6#3', 9, 'weekday', 'SAT in cron, FRI in Quartz', 'Name the weekdays'],
    ['0 0 * * FRI#6', 9, 'weekday', 'expected 1 to 5 or L after "#", got "6"', 'FRI#2'],
    ['0 0 * * L', 9, 'weekday', 'got "L"', undefined],
    ['0 0 L-3 * *', 5, 'day of the month', 'expected L alone', '25-28'],
    ['0 0 W * *', 5, 'day of the month', 'a day before W', '15W'],
    ['0 0 1-15W * *', 5, 'day of the month', 'a day before W', '15W'],
    ['0 0 32W * *', 5, 'day of the month', 'expected 1 to 31, got 32', undefined],
    ['0 0 1,LW * *', 7, 'day of the month', 'LW alone', 'schedule of its own'],
    ['H * * * *', 1, 'minutes', 'got "H"', undefined],
    ['0 0 0 1 1 * 1969', 13, 'year', 'expected 1970 to 2199, got 1969', undefined],
    ['0 0 31 2,4,6,9,11 *', 5, 'day of the month', 'never due', undefined],
    ['0 0 0 29 2 * 2027', 7, 'day of the month', 'never due', undefined],
  ] as [string, number, string, string, string | undefined][])(
    '%s is refused at character %d, for %s',
    (cron, character, field, problem, meant) => {
      const { message, hint } = refusal({ cron })
      expect(message).toContain(`\`cron\` "${cron}" at character ${character}, in the field for ${field}: `)
      expect(message).toContain(problem)
      if (meant === undefined) expect(hint).toBeUndefined()
      else expect(hint).toContain(meant)
    },
  )

  it.each([
    ['', 'got 0'],
    ['* * * *', 'got 4'],
    ['* * * * * * * *', 'got 8'],
  ])('%j has not five to seven fields', (cron, problem) => {
    expect(refusal({ cron }).message).toContain(problem)
  })

  it('a nickname has to be known', () => {
    expect(refusal({ cron: '@dayly' }).hint).toBe('Did you mean @daily?')
    expect(refusal({ cron: '@reboot' }).hint).toContain('`everyMs`')
  })

  it('of any length is shown only in part', () => {
    expect(refusal({ cron: `${'1,'.repeat(10_000)}1 * * * *` }).message.length).toBeLessThan(400)
  })

  it.each([
    ...['* * * * *', '*/59 * * * *', '*/5 * * * * *', '0 0 L * *', '0 0 LW * *', '0 0 1W,15W * *', '0 0 L,15 * *'],
    ...['0 0 ? * MON-FRI', '0 0 1 * ?', '0 0 ? * ?', '0 0 * * 5L', '0 0 * * FRI#L', '0 0 * * fri#2', '0 0 * * +FRI'],
    ...[
      '0 0 * * 0-7',
      '0 0 * * FRI-SUN',
      '0 0 * jan-dec/3 *',
      '0 0 0 29 2 ? 2028',
      '@hourly',
      ' @DAILY ',
      '\t5 4 * * *\n',
    ],
    ...['0 0 * * 7', '0-59/15 * * * *', '0 0 0 1 1 * 2027-2199/4', '0 0 * * MON#1,FRI#L'],
  ])('%j is taken', (cron) => {
    expect(compileRule({ id: 'a', cron }).timing.kind).toBe('cron')
  })

  it('brings warnings for what is right but may not be meant', () => {
    expect(compileRule({ id: 'a', cron: '*/45 * * * *' }).warnings).toEqual([
      expect.stringContaining('`everyMs`: 2700000'),
    ])
    expect(compileRule({ id: 'a', cron: '0 0 13 * FRI' }).warnings).toEqual([expect.stringContaining('write +FRI')])
    for (const cron of ['*/15 * * * *', '0 0 13 * +FRI', '0 0 13 * *', '0 */5 * * *'])
      expect(compileRule({ id: 'a', cron }).warnings).toEqual([])
  })
})

describe('a rule', () => {
  const cron = '0 0 * * *'

  it.each<[Partial<RuleDefinition>, string]>([
    [{}, 'expected `cron` or `everyMs` or `at` to be given, one of them, got none'],
    [{ cron, everyMs: 1000 }, 'got cron and everyMs'],
    [{ everyMs: 999 }, 'expected `everyMs` to be a whole number of milliseconds from 1000 to'],
    [{ everyMs: 1000.5 }, 'got 1000.5'],
    [{ everyMs: Number.NaN }, 'got NaN'],
    [
      { everyMs: 1000, jitterMs: 1000 },
      'expected `jitterMs` to be a whole number of milliseconds from 0 to 999, got 1000',
    ],
    [{ cron, jitterMs: 86_400_001 }, 'got 86400001'],
    [{ cron, jitterMs: -1 }, 'got -1'],
    [{ cron, anchor: 5 }, 'expected `anchor` only with `everyMs`'],
    [{ everyMs: 1000, dst: { repeated: 'first' } }, 'expected `dst` only with `cron`'],
    [
      { cron, dst: { repeated: 'never' as 'first' } },
      'expected `dst.repeated` to be one of first, last, both, got never',
    ],
    [{ cron, dst: { missing: 'both' as 'skip' } }, 'expected `dst.missing` to be one of shift, skip, got both'],
    [{ cron, startAt: 5, endAt: 5 }, 'expected `endAt` to be after `startAt` (5), got 5'],
    [{ at: -1 }, 'expected `at` to be a whole number of milliseconds between 1970 and 2199, got -1'],
    [{ at: 5, startAt: 6, endAt: 7 }, 'expected `at` to be due at some time'],
    [{ everyMs: 1000, startAt: 1, endAt: 1000, anchor: 0 }, 'expected `everyMs` to be due at some time'],
    [
      { cron: '0 0 1 1 *', startAt: Date.UTC(2027, 0, 2), endAt: Date.UTC(2027, 11) },
      'never is with startAt 2027-01-02T',
    ],
    [{ cron: '0 30 2 28 3 * 2027', timezone: 'Europe/Berlin', dst: { missing: 'skip' } }, 'dst skip'],
    [{ cron, timezone: 'Mars/Olympus' }, 'expected `timezone` to be the IANA name of a zone, got "Mars/Olympus"'],
    [{ cron, timezone: '' }, 'got ""'],
    [{ cron, timezone: '+02:00' }, 'got "+02:00"'],
    [
      { cron, calendars: [{ name: 'holidays' }] },
      'expected `calendars` to name calendars that there are (none), got holidays',
    ],
    [{ cron, calendars: [{ name: 'a', mode: 'avoid' as 'shift' }] }, 'to be one of exclude, shift, got avoid'],
  ])('%j is refused', (definition, problem) => {
    expect(refusal(definition).message).toContain(problem)
  })

  it('whose every tick is in its calendars is refused', () => {
    const nights = new Calendar({
      name: 'nights',
      windows: [{ days: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'], to: '06:00' }],
    })
    const days = new Calendar({
      name: 'days',
      windows: [{ days: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'], from: '06:00' }],
    })
    expect(refusal({ cron, calendars: [{ name: 'nights' }] }, [nights]).message).toContain('calendar "nights"')
    const both = [
      { name: 'nights', mode: 'shift' },
      { name: 'days', mode: 'shift' },
    ] as const
    expect(refusal({ cron: '* * * * * *', calendars: both }, [nights, days]).message).toContain('calendar "days"')
  })

  it('that is over is taken, whatever the year is', () => {
    expect(compileRule({ id: 'a', cron: '0 0 0 1 1 ? 2001' }).timing.kind).toBe('cron')
    expect(compileRule({ id: 'a', at: 5 }).timing).toEqual({ kind: 'at', at: 5 })
  })

  it('keeps to times of day if it names its hours, and else to elapsed time', () => {
    const dstOf = (definition: Partial<RuleDefinition>) => {
      const { timing } = compileRule({ id: 'a', ...definition })
      return timing.kind === 'cron' ? timing.dst : undefined
    }
    for (const expression of ['30 2 * * *', '0 */2 * * *', '*/5 1-23 * * *'])
      expect(dstOf({ cron: expression })).toEqual({ repeated: 'first', missing: 'shift' })
    for (const expression of ['*/5 * * * *', '0 0-23 * * *', '* * * * * *'])
      expect(dstOf({ cron: expression })).toEqual({ repeated: 'both', missing: 'skip' })
    expect(dstOf({ cron: '30 2 * * *', dst: { repeated: 'last' } })).toEqual({ repeated: 'last', missing: 'shift' })
  })
})
