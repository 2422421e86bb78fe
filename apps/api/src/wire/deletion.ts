import { z } from 'zod'
import { labelFilter, tenantFilter } from './list.ts'

export const DeleteJobs = z
  .strictObject({
    label: labelFilter,
    tenant: tenantFilter.optional(),
    dryRun: z.boolean().default(false).describe('Only count.'),
  })
  .meta({ example: { label: 'customer:42', dryRun: true } })

export const Deletion = z.object({
  matched: z.int().describe('Jobs that have the label and have ended.'),
  deleted: z.int(),
  open: z.array(z.string()).describe('Ids of up to 100 that have not ended and stay: cancel them, then ask again.'),
  more: z.boolean().describe('There may be more that have ended.'),
})
