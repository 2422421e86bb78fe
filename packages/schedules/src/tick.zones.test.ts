import { Cron } from 'croner'
import { describe, expect, it } from 'vitest'
import { compileRule } from './compile-rule.ts'
import { DST_BY_CLOCK, DST_BY_ELAPSED, type Dst } from './dst.ts'
import { everyTick } from './fixtures/env.ts'
import { ZONE_NAMES } from './fixtures/zone-names.ts'
import { type PlainDay, type PlainRule, plainDay, ZoneOracle } from './fixtures/zone-oracle.ts'
import { ticksBetween } from './tick.ts'

const DAY_MS = 86_400_000
const [FROM, TO] = [Date.UTC(2020, 0, 1), Date.UTC(2036, 0, 1)]
const DAYS: PlainDay[] = Array.from({ length: (TO - FROM) / DAY_MS + 4 }, (_, i) => plainDay(FROM + (i - 2) * DAY_MS))

const every = (length: number, step: number, text: (n: number) => string) =>
  Array.from({ length: Math.ceil(length / step) }, (_, i) => text(i * step))
const two = (n: number) => String(n).padStart(2, '0')
const isLastWeekday = ({ day, weekday, length }: PlainDay) =>
  (weekday >= 1 && weekday <= 5 && day === length) || (weekday === 5 && day >= length - 2)
const isNear15 = ({ day, weekday }: PlainDay) =>
  (day === 15 && weekday % 6 !== 0) || (day === 14 && weekday === 5) || (day === 16 && weekday === 1)

const RULES: (PlainRule & { everyHour?: true; often?: true })[] = [
  { cron: '30 2 * * *', day: () => true, times: ['02:30'] },
  { cron: '@daily', day: () => true, times: ['00:00'] },
  { cron: '30 23 * * *', day: () => true, times: ['23:30'] },
  { cron: '30 1 * * MON-FRI', day: ({ weekday }) => weekday >= 1 && weekday <= 5, times: ['01:30'] },
  { cron: '30 2 ? * SUN#L', day: ({ weekday, day, length }) => weekday === 0 && day > length - 7, times: ['02:30'] },
  { cron: '15 2 L * *', day: ({ day, length }) => day === length, times: ['02:15'] },
  { cron: '45 0 15W * *', day: isNear15, times: ['00:45'] },
  { cron: '0 3 LW * ?', day: isLastWeekday, times: ['03:00'] },
  { cron: '0 12 29 2 *', day: ({ month, day }) => month === 2 && day === 29, times: ['12:00'] },
  {
    cron: '0,30 1-2 13 * FRI',
    day: ({ day, weekday }) => day === 13 || weekday === 5,
    times: ['01:00', '01:30', '02:00', '02:30'],
  },
  {
    cron: '30 0 0 1 JAN,JUL ? 2020-2030/2',
    day: ({ year, month, day }) => day === 1 && month % 6 === 1 && year <= 2030 && year % 2 === 0,
    times: ['00:00:30'],
  },
  { cron: '0 */2 * * *', day: () => true, times: every(24, 2, (hour) => `${two(hour)}:00`), often: true },
  {
    cron: '*/15 * * * *',
    day: () => true,
    times: every(1440, 15, (minute) => `${two(Math.floor(minute / 60))}:${two(minute % 60)}`),
    everyHour: true,
    often: true,
  },
]

const usualOf = (rule: { everyHour?: true }): Dst => (rule.everyHour ? DST_BY_ELAPSED : DST_BY_CLOCK)

const CHOICES: Dst[] = (['first', 'last', 'both'] as const).flatMap((repeated) =>
  (['shift', 'skip'] as const).map((missing) => ({ repeated, missing })),
)

/** Some days in a row, as indices of DAYS. */
type Stretch = [from: number, to: number]

const WHOLE: Stretch[] = [[2, DAYS.length - 2]]
const indexOfDay = (day: number) => day - FROM / DAY_MS + 2

/** Two days on both sides of each change, and one in 29. */
function samples(oracle: ZoneOracle): Stretch[] {
  const changes = oracle.changeDays(FROM / DAY_MS + 2, TO / DAY_MS - 2).map(indexOfDay)
  const others = DAYS.flatMap((_, i): Stretch[] => (i % 29 === 0 && i > 2 && i < DAYS.length - 3 ? [[i, i + 1]] : []))
  return [...changes.map((day): Stretch => [day - 2, day + 3]), ...others]
}

/** Where ours and the oracle's differ: `<rule> <dst> <first instant>`. */
function differences(
  zone: string,
  oracle: ZoneOracle,
  rule: PlainRule,
  dst: Dst | undefined,
  usual: Dst,
  days: Stretch[],
) {
  const compiled = compileRule({ id: 'a', cron: rule.cron, timezone: zone, dst })
  return days.flatMap(([fromDay, toDay]) => {
    // Local days reach a day beyond those in UTC on both sides.
    const [from, to] = [(DAYS[fromDay] as PlainDay).ms, (DAYS[toDay] as PlainDay).ms]
    const near = DAYS.slice(fromDay - 2, toDay + 2)
    const theirs = near
      .flatMap((date) => oracle.ticksOf(rule, date, dst ?? usual))
      .filter((ms) => ms >= from && ms < to)
    const expected = [...new Set(theirs)].sort((a, b) => a - b)
    const ours = Array.from(ticksBetween(compiled, from, to), ({ nominal }) => nominal)
    const first = ours.findIndex((ms, i) => ms !== expected[i])
    if (first === -1 && ours.length === expected.length) return []
    const at = ours[first] ?? expected[ours.length] ?? 0
    return [`${rule.cron} ${JSON.stringify(dst)} ${new Date(at).toISOString()}`]
  })
}

describe.each(ZONE_NAMES)('in %s, from 2020 to 2035, every rule', (zone) => {
  const oracle = new ZoneOracle(zone)

  it('is due when the slow way, which asks Intl for each local time, says so', () => {
    const sampled = samples(oracle)
    const wrong = RULES.flatMap((rule) => {
      const days = rule.often && !everyTick ? sampled : WHOLE
      return differences(zone, oracle, rule, undefined, usualOf(rule), days)
    })
    expect(wrong).toEqual([])
  })

  it('keeps to each choice for the repeated and the missing hour', () => {
    const changes = samples(oracle).filter(([from, to]) => to - from > 1)
    // The first four, and every seventh: spring and autumn in turn.
    const days = everyTick ? changes : changes.filter((_, i) => i < 4 || i % 7 === 0)
    const wrong = CHOICES.flatMap((dst) => RULES.flatMap((rule) => differences(zone, oracle, rule, dst, dst, days)))
    expect(wrong).toEqual([])
  })
})

describe("Croner's own search", () => {
  /** Croner knows two ways: rules with one time of day are moved or due once, all others go by elapsed time. */
  const asCroner = (rule: PlainRule): Dst => (rule.times.length === 1 ? DST_BY_CLOCK : DST_BY_ELAPSED)

  /** Croner drops a time that would be moved into another day; we move it: see docs/schedules.md. */
  const OVER_MIDNIGHT = ['America/Nuuk 30 23 * * *', 'America/Scoresbysund 30 23 * * *']

  it.each(ZONE_NAMES)('agrees in %s around each change of 2026 and 2027', (zone) => {
    const [from, to] = [Date.UTC(2026, 0, 1) / DAY_MS, Date.UTC(2028, 0, 1) / DAY_MS]
    const days = new ZoneOracle(zone).changeDays(from, to)
    const wrong = RULES.flatMap((rule) => {
      if (OVER_MIDNIGHT.includes(`${zone} ${rule.cron}`)) return []
      const compiled = compileRule({ id: 'a', cron: rule.cron, timezone: zone, dst: asCroner(rule) })
      const cron = new Cron(rule.cron, { timezone: zone })
      return days.flatMap((day) => {
        const [start, end] = [(day - 0.25) * DAY_MS, (day + 1.5) * DAY_MS]
        const theirs: number[] = []
        for (let at = cron.nextRun(new Date(start - 1000)); at && at.getTime() < end; at = cron.nextRun(at))
          theirs.push(at.getTime())
        const ours = Array.from(ticksBetween(compiled, start, end), ({ nominal }) => nominal)
        return ours.join() === theirs.join() ? [] : [{ cron: rule.cron, ours: ours.map(iso), theirs: theirs.map(iso) }]
      })
    })
    expect(wrong).toEqual([])
  })

  it.each(OVER_MIDNIGHT)('differs only where it drops what would move into another day: %s', (named) => {
    const [timezone = '', ...cron] = named.split(' ')
    const expression = cron.join(' ')
    const compiled = compileRule({ id: 'a', cron: expression, timezone })
    const [from, to] = [Date.UTC(2027, 2, 26), Date.UTC(2027, 3, 1)]
    const ours = Array.from(ticksBetween(compiled, from, to))
    const moved = ours.filter(({ explanation }) => explanation !== undefined)
    const theirs = new Cron(expression, { timezone }).nextRuns(5, new Date(from)).filter((at) => at.getTime() < to)
    expect(moved).toHaveLength(1)
    expect(ours.filter((tick) => !moved.includes(tick)).map(({ nominal }) => nominal)).toEqual(theirs.map(Number))
  })

  const iso = (ms: number) => new Date(ms).toISOString()
})
