import { type ApiKey, isTenantName } from '@foliot/access'
import type { Tenant } from '@foliot/history'
import { FoliotError } from '@foliot/jobs'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { readNameCursor, writeNameCursor } from '../name-cursor.ts'
import { assertAllTenants } from '../viewer.ts'
import { json } from '../wire/answer.ts'
import { BODY_PROBLEMS, problems } from '../wire/problem.ts'
import * as wire from '../wire/tenant.ts'

const tags = ['access']
const params = z.object({ name: z.string() })

/** A key of one tenant may see what its own tenant may do, and not change it; to all else here it gets a 404. */
export function tenantRoutes(app: Api, { accessStore }: ApiDeps): void {
  app.get(
    '/v1/tenants',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'listTenants',
        summary: 'List the limits of tenants',
        description: 'By name, those that have any. For keys of all tenants.',
        tags,
        querystring: wire.ListTenants,
        response: { 200: json('One page.', wire.TenantList), ...problems('not_found') },
      },
    },
    async ({ query, caller }) => {
      if (caller.tenant !== undefined)
        throw new FoliotError('not_found', 'there is nothing here for a key of one tenant')
      const { tenants, more } = await accessStore.listTenants(query.limit, readNameCursor(query.cursor))
      return { items: tenants.map(toWire), nextCursor: more ? writeNameCursor(tenants.at(-1)?.name as string) : null }
    },
  )

  app.get(
    '/v1/tenants/:name',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'readTenant',
        summary: 'Read the limits of a tenant',
        tags,
        params,
        response: { 200: json('Its limits.', wire.Tenant), ...problems('not_found') },
      },
    },
    async ({ params: { name }, caller }) => {
      if (caller.tenant !== undefined && caller.tenant !== name) throw noSuchTenant(name)
      const tenant = isTenantName(name) ? await accessStore.readTenant(name) : undefined
      if (tenant) return toWire(tenant)
      // There is one, as it asks: nobody has limited it.
      if (caller.tenant === name) return toWire({ name, limits: {} })
      throw noSuchTenant(name)
    },
  )

  app.put(
    '/v1/tenants/:name',
    {
      config: { scope: 'admin', audit: { action: 'tenant.limit', asked: ({ body }) => body } },
      schema: {
        operationId: 'setTenant',
        summary: 'Set the limits of a tenant',
        description:
          'All of them: what is null or left out is lifted, or as by default. They hold in every api within seconds.',
        tags,
        params: z.object({ name: z.string() }),
        body: wire.TenantLimits,
        response: { 200: json('Its new limits.', wire.Tenant), ...problems(...BODY_PROBLEMS, 'not_found') },
      },
    },
    async ({ params: { name }, body, caller, audit }) => {
      assertManages(caller, name)
      audit.target.tenant = name
      audit.before = (await accessStore.readTenant(name))?.limits
      const { enqueueRate, maxDepth, maxSchedules, maxCalendars } = body
      const limits = {
        ...(enqueueRate && { enqueueRate }),
        ...(maxDepth !== null && { maxDepth }),
        ...(maxSchedules !== null && { maxSchedules }),
        ...(maxCalendars !== null && { maxCalendars }),
      }
      const tenant = await accessStore.setTenant(name, limits)
      audit.after = tenant.limits
      return toWire(tenant)
    },
  )

  app.delete(
    '/v1/tenants/:name',
    {
      config: { scope: 'admin', audit: 'tenant.delete' },
      schema: {
        operationId: 'deleteTenant',
        summary: 'Lift all limits of a tenant',
        description:
          'Its jobs, its keys and its schedules stay. One without limits stays so. Those that hold by default do so again.',
        tags,
        params,
        response: { 204: z.void().describe('It has none.'), ...problems(...BODY_PROBLEMS, 'not_found') },
      },
    },
    async ({ params: { name }, caller, audit }, reply) => {
      assertManages(caller, name)
      audit.target.tenant = name
      audit.before = (await accessStore.readTenant(name))?.limits
      await accessStore.deleteTenant(name)
      reply.code(204)
    },
  )
}

/** @throws FoliotError `not_found`, `forbidden`, `validation_failed` */
function assertManages(caller: ApiKey, name: string): void {
  const { tenant } = caller
  if (tenant !== undefined && tenant !== name) throw noSuchTenant(name)
  assertAllTenants(caller, 'the limits of tenants')
  if (isTenantName(name)) return
  const expected = 'expected the name of a tenant like "acme" ([a-z0-9][a-z0-9._-]*, at most 63 characters)'
  throw new FoliotError('validation_failed', `${expected}, got ${JSON.stringify(name.slice(0, 64))}`)
}

const noSuchTenant = (name: string): FoliotError =>
  new FoliotError('not_found', `nobody has limited a tenant ${JSON.stringify(name.slice(0, 64))}`, {
    hint: 'a tenant comes to be with the first key that is made for it',
  })

const toWire = ({ name, limits: { enqueueRate, maxDepth, maxSchedules, maxCalendars } }: Tenant) => ({
  name,
  enqueueRate: enqueueRate ?? null,
  maxDepth: maxDepth ?? null,
  maxSchedules: maxSchedules ?? null,
  maxCalendars: maxCalendars ?? null,
})
