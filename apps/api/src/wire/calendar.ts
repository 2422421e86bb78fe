import { z } from 'zod'
import { page, tenantFilter } from './list.ts'

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
const DATES_MAX = 5000
const WINDOWS_MAX = 100

const Window = z.strictObject({
  days: z.array(z.enum(DAYS)).min(1).max(7),
  from: z.string().max(5).default('00:00').describe('`HH:MM`'),
  to: z
    .string()
    .max(5)
    .default('24:00')
    .describe('`HH:MM`, no longer part of it; at or before `from` it is of the next day.'),
})

/** What times a calendar holds; what they mean is checked where it is made. */
export const calendarFields = {
  timezone: z.string().min(1).max(64).default('UTC').describe('The IANA name of the zone of its dates and windows.'),
  dates: z
    .array(z.string().max(10))
    .max(DATES_MAX)
    .default([])
    .describe('Whole days: `2027-12-25`, or `12-25` for that day of every year.'),
  windows: z.array(Window).max(WINDOWS_MAX).default([]).describe('Parts of the day in some days of every week.'),
}

const calendarName = z.string().min(1).max(128)

export const CalendarRequest = z.strictObject({
  name: calendarName.optional().describe('`[A-Za-z0-9][A-Za-z0-9._:-]*`. With PUT that of the path.'),
  ...calendarFields,
})

/** What the reference page offers to try. */
const CALENDAR = { name: 'holidays', timezone: 'Europe/Berlin', dates: ['12-25', '12-26', '2027-05-17'] }

export type CalendarRequest = z.output<typeof CalendarRequest>

const time = z.string().describe('RFC 3339, UTC')

/** A calendar as every route shows it. */
export const Calendar = z.object({
  name: z.string(),
  tenant: z.string(),
  revision: z.int().describe('Grows with each change. As the header `ETag`, and in `If-Match`, within quotes.'),
  timezone: z.string(),
  dates: z.array(z.string()),
  windows: z.array(z.object({ days: z.array(z.enum(DAYS)), from: z.string(), to: z.string() })),
  createdAt: time,
  updatedAt: time,
})

/** The same, as whoever puts one is answered. */
export const PutCalendar = Calendar.extend({
  warnings: z
    .array(z.string())
    .describe(
      'Names up to 10 of the schedules that use it and are never due any more with it; the first 200 by id are looked at.',
    ),
})

export const CalendarList = z.object({
  items: z.array(Calendar),
  nextCursor: z.string().nullable().describe('null on the last page.'),
})

export const ListCalendars = z.strictObject({ ...page, tenant: tenantFilter.optional() })

z.globalRegistry.add(CalendarRequest, { id: 'CalendarRequest', example: CALENDAR })
z.globalRegistry.add(Calendar, { id: 'Calendar' })
z.globalRegistry.add(PutCalendar, { id: 'PutCalendar' })
z.globalRegistry.add(CalendarList, { id: 'CalendarList' })
