import { z } from 'zod'
import { page } from './list.ts'

const enqueueRate = z
  .strictObject({
    max: z.int().min(1).max(1_000_000_000).describe('Jobs…'),
    perMs: z
      .int()
      .min(1)
      .max(24 * 60 * 60 * 1000)
      .describe('…within so many ms.'),
  })
  .nullable()
  .describe('How fast it may enqueue; null for no limit.')

const maxDepth = z
  .int()
  .min(1)
  .max(1_000_000_000)
  .nullable()
  .describe('How many of its jobs that have not ended may be in one queue; null for no limit.')

export const Tenant = z.object({ name: z.string(), enqueueRate, maxDepth })

export const TenantList = z.object({
  items: z.array(Tenant),
  nextCursor: z.string().nullable().describe('null on the last page.'),
})

export const ListTenants = z.strictObject(page)

export const TenantLimits = z
  .strictObject({ enqueueRate: enqueueRate.default(null), maxDepth: maxDepth.default(null) })
  .meta({ example: { enqueueRate: { max: 100, perMs: 1000 }, maxDepth: 10_000 } })

z.globalRegistry.add(Tenant, { id: 'Tenant' })
z.globalRegistry.add(TenantList, { id: 'TenantList' })
