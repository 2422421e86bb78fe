import { isJobTypeName, LATE_STARTS, MISFIRES, OVERLAPS } from '@foliot/jobs'
import { z } from 'zod'
import { JobRequest } from './job.ts'
import { labelFilter, page, tenantFilter } from './list.ts'
import { CALENDARS_MAX, CalendarUse, Dst, endsAfterStart, instant, namesOnce, ruleFields } from './schedule-rule.ts'

const YEAR_MS = 365 * 24 * 60 * 60 * 1000
const duration = z.int().min(1).max(YEAR_MS)

export const pausedReason = z
  .string()
  .min(1)
  .max(500)
  .regex(/^\P{Cc}*$/u, 'expected no control characters, such as line breaks')

const { input, labels, priority, attempts, timeoutMs, deadlineMs } = JobRequest.shape

const JobOptions = z.strictObject({
  priority,
  attempts,
  timeoutMs,
  deadlineMs: deadlineMs.describe(
    'From when a job is made until it has to have ended, all attempts and waits included.',
  ),
})

/** What becomes of ticks, beyond when they are due. */
const policies = {
  misfire: z
    .enum(MISFIRES)
    .default('fire_once')
    .describe('What becomes of ticks that are later than `lateAfterMs`, because no scheduler ran for example.'),
  lateAfterMs: z.int().min(0).max(YEAR_MS).default(30_000),
  maxCatchUp: z
    .int()
    .min(1)
    .max(10_000)
    .default(100)
    .describe('How many late ticks `fire_all` makes up, the last ones.'),
  overlap: z
    .enum(OVERLAPS)
    .default('skip')
    .describe('What becomes of a tick while a job of an earlier one has not ended.'),
  startWithinMs: duration.optional().describe('A job that no worker takes in this time is ended as `lateStart` says.'),
  expectWithinMs: duration
    .optional()
    .describe(
      'This long after a tick was due `GET /v1/watch` tells of it if nobody has fired or skipped it, if it waits for the job of an ' +
        'earlier one, or if no worker has started its job. One that was skipped is none of these, whether by a pause, a calendar or ' +
        'overlap, for a type that no worker has announced, or for a full queue; but one that misfire `skip` skips is told of as ' +
        'soon as it is late, until a later one has a job.',
    ),
  finishWithinMs: duration
    .optional()
    .describe('`GET /v1/watch` tells of a job that has not ended this long after its tick was due.'),
}

export const ScheduleRequest = z
  .strictObject({
    id: z
      .string()
      .optional()
      .describe(
        '`[A-Za-z0-9][A-Za-z0-9._:-]*`, at most 128 characters. Default: a new one; with PUT that of the path.',
      ),
    type: z
      .string()
      .refine(isJobTypeName, 'expected a job type like "billing.send-invoice" (lower case, parts joined by dots)')
      .describe('The job type. One that no worker has announced yet is taken, with a warning.'),
    input: input.describe('Of each job: any JSON value that fits the type’s `inputSchema`, up to 64 KiB.'),
    ...ruleFields,
    calendars: z
      .array(z.union([z.string().min(1).max(128), CalendarUse]))
      .max(CALENDARS_MAX)
      .default([])
      .describe('By name, `exclude` unless a mode is given.'),
    ...policies,
    lateStart: z
      .enum(LATE_STARTS)
      .optional()
      .describe('With `startWithinMs`: whether such a job is cancelled or fails. Default `cancel`.'),
    paused: z.boolean().default(false),
    pausedReason: pausedReason.optional().describe('With `paused`.'),
    pausedUntil: instant.optional().describe('With `paused`: when it ends by itself.'),
    labels: labels.describe('Of the schedule, and of each of its jobs.'),
    jobOptions: JobOptions.default({}).describe('What is other than the type says.'),
  })
  .refine((schedule) => schedule.input !== undefined, {
    path: ['input'],
    message: 'expected a JSON value, got nothing',
  })
  .refine(...endsAfterStart)
  .refine(...namesOnce)
  .refine(({ lateStart, startWithinMs }) => lateStart === undefined || startWithinMs !== undefined, {
    path: ['lateStart'],
    message: 'expected `startWithinMs` with it, got none',
  })
  .refine(({ paused, pausedReason }) => paused || pausedReason === undefined, {
    path: ['pausedReason'],
    message: 'expected it with `paused`: true alone',
  })
  .refine(({ paused, pausedUntil }) => paused || pausedUntil === undefined, {
    path: ['pausedUntil'],
    message: 'expected it with `paused`: true alone',
  })

/** What the reference page offers to try: it works as it is with the demo's jobs, and is paused, so that nothing runs. */
const SCHEDULE = {
  type: 'demo.echo',
  input: { hello: 'world' },
  cron: '30 2 * * MON-FRI',
  timezone: 'Europe/Berlin',
  paused: true,
}

export type ScheduleRequest = z.output<typeof ScheduleRequest>

const time = z.string().describe('RFC 3339, UTC')

/** A schedule as every route shows it. */
export const Schedule = z.object({
  id: z.string(),
  tenant: z.string(),
  revision: z.int().describe('Grows with each change. As the header `ETag`, and in `If-Match`, within quotes.'),
  type: z.string(),
  input: z.unknown().describe('As it was sent, but for space.'),
  cron: z.string().optional(),
  everyMs: z.int().optional(),
  at: time.optional(),
  timezone: z.string(),
  startAt: time.optional(),
  endAt: time.optional(),
  jitterMs: z.int(),
  dst: Dst.optional(),
  calendars: z.array(z.object({ name: z.string(), mode: CalendarUse.shape.mode })),
  misfire: z.enum(MISFIRES),
  lateAfterMs: z.int(),
  maxCatchUp: z.int(),
  overlap: z.enum(OVERLAPS),
  startWithinMs: z.int().optional(),
  lateStart: z.enum(LATE_STARTS).optional(),
  expectWithinMs: z.int().optional(),
  finishWithinMs: z.int().optional(),
  paused: z.boolean().describe('As of now: false once `pausedUntil` is over.'),
  pausedReason: z.string().optional(),
  pausedUntil: time.optional(),
  labels: z.record(z.string(), z.string()),
  jobOptions: JobOptions,
  createdAt: time,
  updatedAt: time,
  description: z.string().describe('The rule in plain English.'),
  nextRuns: z
    .array(time)
    .describe('When it is due next, five at most. Empty if it is over, or paused until somebody resumes it.'),
  warnings: z.array(z.string()).describe('What is right, but may not be what was meant.'),
})

export const ScheduleList = z.object({
  items: z.array(Schedule),
  nextCursor: z.string().nullable().describe('null on the last page.'),
})

export const ListSchedules = z.strictObject({
  ...page,
  tenant: tenantFilter.optional(),
  type: z.string().max(128).optional(),
  label: labelFilter.optional(),
  paused: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .optional(),
})

/** Whose schedule or calendar is meant. */
export const OfTenant = z.strictObject({
  tenant: z
    .string()
    .max(64)
    .optional()
    .describe('For keys of all tenants, whose default is `default`; others can name their own tenant alone.'),
})

z.globalRegistry.add(ScheduleRequest, { id: 'ScheduleRequest', example: SCHEDULE })
z.globalRegistry.add(Schedule, { id: 'Schedule' })
z.globalRegistry.add(ScheduleList, { id: 'ScheduleList' })
