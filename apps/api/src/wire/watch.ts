import { FINDING_KINDS, type Finding } from '@foliot/queue'
import { z } from 'zod'
import { page, tenantFilter } from './list.ts'

const time = z.string().describe('RFC 3339, UTC')

const ScheduleFinding = z.object({
  kind: z
    .enum(FINDING_KINDS)
    .describe(
      '`next_in_past`: it was due a while ago, and nobody has fired or skipped the tick. `missed`: a tick has no job after ' +
        '`expectWithinMs`. `late`: it has one, which no worker has started by then. `overdue`: its job has not ended after ' +
        '`finishWithinMs`. `cannot_be_followed`: its rule cannot be used as it is now, such as for a calendar that is gone, and it ' +
        'never fires. `schedulers_silent`: no scheduler is there; it concerns all schedules.',
    ),
  scheduleId: z.string().optional(),
  tenant: z.string().optional(),
  since: time.describe(
    'Since when it should have been otherwise; of `cannot_be_followed`, when it was found. RFC 3339, UTC',
  ),
  reason: z.string().describe('One line for people.'),
  lastRunAt: time.optional().describe('When the last job was made, as far as Redis knew. RFC 3339, UTC'),
})

export const ListWatch = z.strictObject({ ...page, tenant: tenantFilter.optional() })

export const ScheduleFindings = z.object({
  items: z.array(ScheduleFinding).describe('The oldest first. None, and a `watchedAt` of just now: all is well.'),
  nextCursor: z.string().nullable().describe('null on the last page.'),
  isComplete: z
    .boolean()
    .describe(
      'False if there are more of the tenant than the list has, or of any in the list of all tenants: it has at most 1000 of a tenant, ' +
        '10 000 of all.',
    ),
  watchedAt: time
    .nullable()
    .describe(
      'When a recorder last had looked at all schedules; null if none ever has. If that is long ago, nobody watches.',
    ),
})

z.globalRegistry.add(ScheduleFinding, { id: 'ScheduleFinding' })
z.globalRegistry.add(ScheduleFindings, { id: 'ScheduleFindings' })

/** As answers and events have it. */
export function showFinding({ kind, scheduleId, tenant, since, reason, lastRunAt }: Finding) {
  return {
    kind,
    ...(scheduleId !== undefined && { scheduleId }),
    ...(tenant !== undefined && { tenant }),
    since: new Date(since).toISOString(),
    reason,
    ...(lastRunAt !== undefined && { lastRunAt: new Date(lastRunAt).toISOString() }),
  }
}

/** Whether somebody who sees one tenant, or all, is told of it. */
export const concerns = ({ tenant: of }: Pick<Finding, 'tenant'>, tenant: string | undefined): boolean =>
  tenant === undefined || of === undefined || of === tenant
