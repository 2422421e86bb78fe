import { STATUSES } from '@foliot/jobs'
import { z } from 'zod'
import { inOrder, page } from './list.ts'
import { OfTenant } from './schedule.ts'

const time = z.string().describe('RFC 3339, UTC')
const instant = z.iso.datetime({ offset: true })

export const ListTicks = z
  .strictObject({
    ...page,
    ...OfTenant.shape,
    from: instant.optional().describe('At this time or later.'),
    to: instant.optional().describe('Before this time.'),
  })
  .refine(...inOrder)

const Tick = z.object({
  scheduledFor: time.describe('When it was planned; of several, the first.'),
  outcome: z
    .enum(['fired', 'late', 'skipped', 'missed'])
    .describe('`late`: fired, but later than `lateAfterMs`. `missed`: nobody fired it in time.'),
  reason: z.string().optional().describe('Why it made no job.'),
  until: time.optional().describe('Of several that follow each other, the last.'),
  count: z.int().nullable().optional().describe('How many; null if they were too many to count.'),
  latenessMs: z.int().optional().describe('How long after it was due the job was made.'),
  jobId: z.string().optional(),
  jobStatus: z.enum(STATUSES).optional(),
})

export const TickList = z.object({
  items: z.array(Tick),
  nextCursor: z.string().nullable().describe('null on the last page.'),
})

z.globalRegistry.add(Tick, { id: 'Tick' })
z.globalRegistry.add(TickList, { id: 'TickList' })
