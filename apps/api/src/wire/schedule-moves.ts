import { z } from 'zod'
import { JobRequest } from './job.ts'
import { inOrder, labelFilter, tenantFilter } from './list.ts'
import { pausedReason } from './schedule.ts'
import { instant } from './schedule-rule.ts'

const pause = {
  reason: pausedReason.optional().describe('For people.'),
  until: instant.optional().describe('When it is resumed by itself. Default: when somebody does it.'),
}

export const PauseSchedule = z
  .strictObject(pause)
  .nullish()
  .meta({ example: { reason: 'the mail server is down' } })

const some = {
  filter: z
    .strictObject({
      tenant: tenantFilter.optional(),
      type: z.string().max(128).optional(),
      label: labelFilter.optional(),
    })
    .default({}),
  all: z.literal(true).optional().describe('Has to be said with an empty filter, which is every schedule.'),
}

type Some = { filter: object; all?: true | undefined }

const saysWhich: [check: (request: Some) => boolean, problem: { path: string[]; message: string }] = [
  ({ filter, all }) => all === true || Object.values(filter).some((value) => value !== undefined),
  { path: ['filter'], message: 'expected a filter, or `all`: true for every schedule, got neither' },
]

// Whoever tries these on the reference page changes nothing that runs.
const EXAMPLE = { filter: { label: 'team:none' } }

export const PauseSchedules = z
  .strictObject({ ...some, ...pause })
  .refine(...saysWhich)
  .meta({ example: { ...EXAMPLE, reason: 'the mail server is down' } })

export const ResumeSchedules = z
  .strictObject(some)
  .refine(...saysWhich)
  .meta({ example: EXAMPLE })

export const ChangedSchedules = z.object({ changed: z.int().describe('How many are other than before.') })

export const TriggerSchedule = z
  .strictObject({ input: JobRequest.shape.input.optional().describe('Instead of the input of the schedule.') })
  .nullish()
  .meta({ example: {} })

export const BackfillSchedule = z
  .strictObject({
    from: instant.describe('Ticks that were planned at this time or later…'),
    to: instant.describe('…and before this one, which is past.'),
    ratePerSecond: z.int().min(1).max(10_000).default(10).describe('Make at most so many jobs a second.'),
    dryRun: z.boolean().default(false).describe('Only count, and show the first ticks.'),
  })
  .refine(...inOrder)
  .meta({ example: { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z', dryRun: true } })
