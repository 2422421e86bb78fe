import { z } from 'zod'
import { calendarFields } from './calendar.ts'
import { CALENDARS_MAX, CalendarUse, endsAfterStart, instant, namesOnce, ruleFields } from './schedule-rule.ts'

const N_MAX = 100

/** A calendar that need not be stored. */
const InlineCalendar = z.strictObject({ ...CalendarUse.shape, ...calendarFields })

export const PreviewRequest = z
  .strictObject({
    ...ruleFields,
    id: z.string().min(1).max(128).optional().describe('Of the schedule: jitter depends on it.'),
    calendars: z
      .array(z.union([z.string().min(1).max(128), CalendarUse, InlineCalendar]))
      .max(CALENDARS_MAX)
      .default([])
      .describe('By name, or with what they hold.'),
    from: instant.optional().describe('Ticks after this time are told. Default: now.'),
    n: z.int().min(1).max(N_MAX).default(10).describe('How many ticks.'),
  })
  .refine(...endsAfterStart)
  .refine(...namesOnce)
  .meta({
    example: { cron: '30 2 * * *', timezone: 'Europe/Berlin', from: '2027-03-27T00:00:00Z', n: 3 },
  })

const time = z.string().describe('RFC 3339, UTC')

export const Preview = z.object({
  description: z.string().describe('The rule in plain English.'),
  warnings: z.array(z.string()).describe('What is right, but may not be what was meant.'),
  items: z.array(
    z.object({
      kind: z.enum(['tick', 'skipped']),
      scheduledFor: time.describe('When it is planned, or would have been.'),
      due: time.optional().describe('When it fires: a calendar or jitter may put it later.'),
      local: z
        .string()
        .describe('`due`, or else `scheduledFor`, by the clocks of `timezone`, with their offset from UTC.'),
      explanation: z.string().optional().describe('Why it is skipped, or not where the rule has it.'),
    }),
  ),
})

z.globalRegistry.add(Preview, { id: 'SchedulePreview' })
