import { DEFINITIONS_MAX } from '@foliot/history'
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

/** @param what there may be so many of; 0 lets none be made */
const most = (what: string, byDefault: number) =>
  z
    .int()
    .min(0)
    .max(1_000_000_000)
    .nullable()
    .describe(`How many ${what} it may have; null for ${byDefault}. One that is there can be changed in either case.`)

const maxSchedules = most('schedules', DEFINITIONS_MAX.maxSchedules)
const maxCalendars = most('calendars', DEFINITIONS_MAX.maxCalendars)

export const Tenant = z.object({ name: z.string(), enqueueRate, maxDepth, maxSchedules, maxCalendars })

export const TenantList = z.object({
  items: z.array(Tenant),
  nextCursor: z.string().nullable().describe('null on the last page.'),
})

export const ListTenants = z.strictObject(page)

export const TenantLimits = z
  .strictObject({
    enqueueRate: enqueueRate.default(null),
    maxDepth: maxDepth.default(null),
    maxSchedules: maxSchedules.default(null),
    maxCalendars: maxCalendars.default(null),
  })
  .meta({ example: { enqueueRate: { max: 100, perMs: 1000 }, maxDepth: 10_000 } })

z.globalRegistry.add(Tenant, { id: 'Tenant' })
z.globalRegistry.add(TenantList, { id: 'TenantList' })
