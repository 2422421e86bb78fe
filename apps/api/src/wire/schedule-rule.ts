import { z } from 'zod'

/** When a schedule is due, as requests say it. What a rule means is checked where it is compiled. */

const FIRST_MS = 0
const LAST_MS = Date.UTC(2200, 0)

/** A time that a schedule can have. */
export const instant = z.iso
  .datetime({ offset: true })
  .refine((text) => Date.parse(text) >= FIRST_MS && Date.parse(text) < LAST_MS, {
    message: 'expected a time from 1970 to 2199',
  })

const DAY_MS = 24 * 60 * 60 * 1000

export const Dst = z
  .strictObject({
    repeated: z.enum(['first', 'last', 'both']).optional().describe('Of local times that come twice.'),
    missing: z.enum(['shift', 'skip']).optional().describe('Of local times that the clocks leap over.'),
  })
  .describe('For `cron`. What is left out goes by whether the expression names its hours: see docs/schedules.md.')

const calendarMode = z.enum(['exclude', 'shift'])
export const CALENDARS_MAX = 20

export const CalendarUse = z.strictObject({
  name: z.string().min(1).max(128),
  mode: calendarMode
    .default('exclude')
    .describe('What becomes of a tick in it: `exclude` skips it, `shift` moves it to the next time that is free.'),
})

export const ruleFields = {
  cron: z
    .string()
    .min(1)
    .max(512)
    .optional()
    .describe('5, 6 (seconds first) or 7 (years last) fields with `L W # ?` and names, or a nickname like `@daily`.'),
  everyMs: z.int().optional().describe('Even steps of elapsed time, from 1000 ms to ten years.'),
  at: instant.optional().describe('Once. Exactly one of `cron`, `everyMs` and `at` is given.'),
  timezone: z.string().min(1).max(64).default('UTC').describe('The IANA name of the zone that `cron` is read in.'),
  startAt: instant.optional().describe('Nothing is planned before.'),
  endAt: instant.optional().describe('Nothing is planned then or later.'),
  jitterMs: z
    .int()
    .min(0)
    .max(DAY_MS)
    .default(0)
    .describe('Each tick is due up to so much later, but before the next one: always the same for the same tick.'),
  dst: Dst.optional(),
}

interface Span {
  startAt?: string | undefined
  endAt?: string | undefined
}

/** For `refine`: an end after the start. */
export const endsAfterStart: [check: (span: Span) => boolean, problem: { path: string[]; message: string }] = [
  ({ startAt, endAt }) => startAt === undefined || endAt === undefined || Date.parse(startAt) < Date.parse(endAt),
  { path: ['endAt'], message: 'expected a time after `startAt`' },
]

interface Uses {
  calendars: (string | { name: string })[]
}

/** For `refine`: no calendar twice. */
export const namesOnce: [check: (uses: Uses) => boolean, problem: { path: string[]; message: string }] = [
  ({ calendars }) =>
    new Set(calendars.map((use) => (typeof use === 'string' ? use : use.name))).size === calendars.length,
  { path: ['calendars'], message: 'expected each calendar once, got one twice' },
]
