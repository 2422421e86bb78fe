import type { Schedule, StoredCalendar } from '@foliot/jobs'
import { RuleBook } from '@foliot/schedules'
import { describe, expect, it } from 'vitest'
import { Plan, type Version } from './plan.ts'

/** On the full minute. */
const T = 1_900_000_020_000 - (1_900_000_020_000 % 60_000)
const HOUR = 3_600_000
const s = (seconds: number): number => T + seconds * 1000

const schedule = (more: Partial<Schedule> = {}): Schedule => ({
  ...{ id: 'nightly', tenant: 'acme', revision: 1, type: 'a.b', inputText: 'null' },
  ...{ everyMs: 10_000, anchor: T, timezone: 'UTC', jitterMs: 0 },
  ...{ misfire: 'fire_once', lateAfterMs: 30_000, maxCatchUp: 3, overlap: 'allow' },
  ...{ paused: false, labels: {}, jobOptions: {}, createdAt: T, updatedAt: T, from: T },
  ...more,
})

const current = (more?: Partial<Schedule>): Version => ({ schedule: schedule(more), until: Number.POSITIVE_INFINITY })

function open(versions: Version[], decided = 0, rules = new RuleBook()): Plan {
  return new Plan({ key: 'acme/nightly', slot: 1, revision: 1, versions, rules, home: 'q', decided, held: [] })
}

/** What becomes of the ticks that are due, in seconds after T, until there are none; as the scheduler goes through them. */
function follow(plan: Plan, now: number): string[] {
  const told: string[] = []
  const inSeconds = (ms: number) => (ms - T) / 1000
  for (let steps = 0; plan.dueAt <= now && steps < 1000; steps++) {
    const { skip, fire } = plan.step(now)
    if (skip) told.push(`${skip.outcome} ${inSeconds(skip.first)}–${inSeconds(skip.last)} (${skip.count})`)
    told.push(...fire.map(({ nominal }) => `fire ${inSeconds(nominal)}`))
    const last = fire.at(-1)
    plan.advanceTo(last?.upTo ?? last?.nominal ?? skip?.last ?? 0)
  }
  return told
}

describe('a plan', () => {
  it('fires each tick after it was made, or decided, when it is due', () => {
    expect(follow(open([current()]), s(25))).toEqual(['fire 10', 'fire 20'])
    expect(follow(open([current()], s(10)), s(25))).toEqual(['fire 20'])
    expect(open([current()]).dueAt).toBe(s(10))
  })

  it.each([
    ['skip', ['missed 10–60 (6)', 'fire 70', 'fire 80', 'fire 90', 'fire 100']],
    ['fire_once', ['missed 10–50 (5)', 'fire 60', 'fire 70', 'fire 80', 'fire 90', 'fire 100']],
    ['fire_all', ['missed 10–30 (3)', 'fire 40', 'fire 50', 'fire 60', 'fire 70', 'fire 80', 'fire 90', 'fire 100']],
  ] as const)('with %s makes up what is late as it says', (misfire, told) => {
    expect(follow(open([current({ misfire })]), s(100))).toEqual(told)
  })

  it('looks at few of very many late ticks', () => {
    const year = 365 * 86_400
    const rule = { cron: '* * * * * *', everyMs: undefined, anchor: undefined } as unknown as Partial<Schedule>
    const told = follow(open([current(rule)]), s(year))
    expect(told[0]).toBe(`missed 1–${year - 32} (null)`)
    expect(told.slice(1, 3)).toEqual([`fire ${year - 31}`, `fire ${year - 30}`])
    expect(told).toHaveLength(33)
  })

  it('skips what a pause covers, together, and goes on when it ends by itself', () => {
    const plan = open([current({ paused: true, pausedUntil: s(45) })])
    // Those that follow the first wait for each other.
    expect(follow(plan, s(10))).toEqual(['skipped 10–10 (1)'])
    expect(follow(plan, s(60))).toEqual(['skipped 20–40 (3)', 'fire 50', 'fire 60'])
  })

  it('goes on as soon as it is resumed', () => {
    const paused: Version = { schedule: schedule({ everyMs: 1000, paused: true }), until: s(3) + 500 }
    const resumed = current({ everyMs: 1000, from: paused.until })
    expect(follow(open([paused, resumed], s(1)), s(5))).toEqual(['skipped 2–3 (2)', 'fire 4', 'fire 5'])
  })

  it('counts few of the ticks that a long pause skips', () => {
    const rule = { everyMs: 1000, paused: true } as const
    const told = follow(open([current(rule)]), s(86_400))
    expect(told[0]).toBe('skipped 1–86400 (null)')
  })

  it('has the ticks of what it was up to the edit, and of what it is after it', () => {
    const before: Version = { schedule: schedule(), until: s(25) }
    const after = current({ everyMs: 7000, anchor: s(25), from: s(25) })
    const plan = open([before, after])
    expect(plan.isSettled).toBe(false)
    expect(follow(plan, s(40))).toEqual(['fire 10', 'fire 20', 'fire 32', 'fire 39'])
    expect([plan.isSettled, plan.hasEarlier]).toEqual([true, true])
  })

  it('ends after the last tick of one that was deleted', () => {
    const plan = open([{ schedule: schedule(), until: s(15) }])
    expect(follow(plan, s(60))).toEqual(['fire 10'])
    expect([plan.isSettled, plan.schedule, plan.dueAt]).toEqual([true, undefined, Number.POSITIVE_INFINITY])
  })

  describe('whose ticks are moved', () => {
    const rules = new RuleBook()
    const day = new Date(T).toISOString().slice(0, 10)
    const calendar = {
      name: 'free',
      tenant: 'acme',
      timezone: 'UTC',
      dates: [day],
      windows: [],
    } as unknown as StoredCalendar
    rules.take(new Map([['acme/free', calendar]]))
    const midnight = Date.parse(`${day}T00:00Z`)
    const moved = { cron: '0 1 * * *', everyMs: undefined, anchor: undefined } as unknown as Partial<Schedule>
    const calendars = [{ name: 'free', mode: 'shift' }] as const
    const editedTwoHoursAfterMidnight = (createdAt: number): Plan => {
      const made = { ...moved, calendars, createdAt, from: createdAt }
      const edited = { ...made, from: midnight + 2 * HOUR }
      return open([{ schedule: schedule(made), until: edited.from }, current(edited)], 0, rules)
    }

    it('does not lose a tick that was moved past an edit', () => {
      expect(editedTwoHoursAfterMidnight(midnight).next).toMatchObject({
        nominal: midnight + HOUR,
        due: midnight + 24 * HOUR,
      })
    })

    it('does not lose what a calendar holds though a later time was decided before an edit', () => {
      const hourly = { ...moved, cron: '0 * * * *', calendars, createdAt: midnight, from: midnight + 2 * HOUR }
      const plan = open([current(hourly)], midnight + 1.5 * HOUR, rules)
      expect(plan.next).toMatchObject({ nominal: midnight + 3 * HOUR, due: midnight + 24 * HOUR })
      plan.advanceTo(midnight + 24 * HOUR)
      expect(plan.next).toMatchObject({ nominal: midnight + 25 * HOUR })
    })

    it('has one at the end of what a calendar holds, also if it is made in it', () => {
      const createdAt = midnight + 2.5 * HOUR
      const plan = open([current({ ...moved, cron: '0 * * * *', calendars, createdAt, from: createdAt })], 0, rules)
      expect(plan.next).toMatchObject({ nominal: midnight + 3 * HOUR, due: midnight + 24 * HOUR })
    })

    it('has one at the end of what a calendar holds that is new, and that one alone', () => {
      const createdAt = midnight - 24 * HOUR
      const hourly = { ...moved, cron: '0 * * * *', calendars, createdAt, from: createdAt }
      const plan = open([current(hourly)], midnight + 2 * HOUR, rules)
      const held = { nominal: midnight + 3 * HOUR, due: midnight + 24 * HOUR, upTo: midnight + 24 * HOUR }
      expect(plan.next).toMatchObject(held)
      expect(plan.dueOf(held.nominal)).toBe(held.due)
      const next = { nominal: midnight + 25 * HOUR }
      plan.advanceTo(held.upTo)
      expect([plan.next, open([current(hourly)], held.upTo, rules).next]).toMatchObject([next, next])
    })

    it('has one at the end of what a calendar holds also behind what another one excludes', () => {
      const createdAt = midnight + 2.5 * HOUR
      const day = (['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const)[new Date(midnight).getUTCDay()]
      const closed = { name: 'closed', tenant: 'acme', timezone: 'UTC', dates: [] }
      const windows = [{ days: [day], from: '02:00', to: '05:00' }]
      const both = new RuleBook()
      both.take(
        new Map([
          ['acme/free', calendar],
          ['acme/closed', { ...closed, windows } as unknown as StoredCalendar],
        ]),
      )
      const uses = [...calendars, { name: 'closed', mode: 'exclude' }] as const
      const hourly = { ...moved, cron: '0 * * * *', calendars: uses, createdAt, from: createdAt }
      const plan = open([current(hourly)], 0, both)
      expect(follow(plan, midnight + 4.5 * HOUR)).toHaveLength(1)
      expect(plan.next).toMatchObject({ nominal: midnight + 5 * HOUR, due: midnight + 24 * HOUR })
    })

    it.each([
      ['jitter', { jitterMs: 0 }, { jitterMs: 60_000 }],
      ['a calendar', {}, { calendars }],
    ])('fires at once what waited for %s that an edit takes away', (_, after, waits) => {
      const made = { cron: '30 0 * * *', everyMs: undefined, anchor: undefined, createdAt: midnight, from: midnight }
      const before = schedule({ ...(made as unknown as Partial<Schedule>), ...waits })
      const from = midnight + HOUR / 2 + 1
      const edited = current({ ...(made as unknown as Partial<Schedule>), ...after, from })
      const plan = open([{ schedule: before, until: from }, edited], 0, rules)
      expect(plan.next).toEqual({ nominal: midnight + HOUR / 2, due: from })
      expect(plan.isSettled).toBe(false)
      plan.advanceTo(midnight + HOUR / 2)
      expect(plan.next).toMatchObject({ nominal: midnight + 24.5 * HOUR })
      expect(plan.isSettled).toBe(true)
    })

    it('has none of what was deleted under its id', () => {
      const jittered = { everyMs: HOUR, anchor: midnight, jitterMs: HOUR / 2 }
      const before = schedule({ ...jittered, createdAt: midnight - HOUR, from: midnight - HOUR })
      const anew = current({ everyMs: HOUR, anchor: midnight, createdAt: midnight + 2000, from: midnight + 2000 })
      const plan = open([{ schedule: before, until: midnight + 1000 }, anew], midnight - 1, rules)
      expect(plan.next).toMatchObject({ nominal: midnight + HOUR })
    })

    it('has none that was planned before it was made, also after an edit', () => {
      const plan = editedTwoHoursAfterMidnight(midnight + 1.5 * HOUR)
      expect(plan.next).toMatchObject({ nominal: midnight + 25 * HOUR })
    })
  })

  it('writes down what a calendar excludes: the first at once, the rest together', () => {
    const rules = new RuleBook()
    const at = new Date(T).toISOString().slice(11, 16)
    const to = new Date(s(60)).toISOString().slice(11, 16)
    const day = (['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const)[new Date(T).getUTCDay()]
    const windows = [{ days: [day], from: at, to }]
    const closed = { name: 'closed', tenant: 'acme', timezone: 'UTC', dates: [], windows } as unknown as StoredCalendar
    rules.take(new Map([['acme/closed', closed]]))
    const plan = open([current({ calendars: [{ name: 'closed', mode: 'exclude' }] })], 0, rules)
    expect(plan.step(s(10)).skip?.reason).toMatch(
      /^excluded by the calendar "closed", up to \w+ \d{4}-\d\d-\d\d \d\d:\d\d$/,
    )
    expect(follow(plan, s(15))).toEqual(['skipped 10–10 (1)'])
    expect(plan.dueAt).toBe(s(20))
    expect(follow(plan, s(45))).toEqual(['skipped 20–40 (3)'])
    expect(follow(plan, s(70))).toEqual(['skipped 50–50 (1)', 'fire 60', 'fire 70'])
  })

  it('says why a rule cannot be followed, and is never due', () => {
    const plan = open([current({ calendars: [{ name: 'gone', mode: 'exclude' }] })])
    expect(plan.trouble?.message).toContain('to name calendars that there are')
    expect(plan.dueAt).toBe(Number.POSITIVE_INFINITY)
  })

  it('is over after its only tick', () => {
    const once = { at: s(5), everyMs: undefined, anchor: undefined } as unknown as Partial<Schedule>
    const plan = open([current(once)])
    expect(follow(plan, s(100))).toEqual(['fire 5'])
    expect(plan.dueAt).toBe(Number.POSITIVE_INFINITY)
  })
})
