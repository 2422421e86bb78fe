import { isScheduleId } from '@foliot/jobs'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { answerWith } from '../schedules/answer-schedule.ts'
import { askedTenant } from '../schedules/asked-of.ts'
import { filterOf } from '../schedules/filter-of.ts'
import { noSuchSchedule } from '../schedules/no-such.ts'
import { noteOf } from '../schedules/note-schedule.ts'
import { etagHeader, ifMatchHeader, preconditionOf } from '../schedules/preconditions.ts'
import { readRefCursor, writeRefCursor } from '../schedules/ref-cursor.ts'
import { showSchedules } from '../schedules/show-schedule.ts'
import { tenantOf } from '../schedules/tenant-of.ts'
import { findType } from '../schedules/to-schedule.ts'
import { json } from '../wire/answer.ts'
import { BODY_PROBLEMS, problems } from '../wire/problem.ts'
import * as wire from '../wire/schedule.ts'

const tags = ['schedules']
const params = z.object({ id: z.string() })

export function scheduleRoutes(app: Api, deps: ApiDeps): void {
  const { schedules, catalog } = deps

  app.get(
    '/v1/schedules',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listSchedules',
        summary: 'List schedules',
        description: 'By tenant, and then by id.',
        tags,
        querystring: wire.ListSchedules,
        response: { 200: json('One page.', wire.ScheduleList), ...problems() },
      },
    },
    async ({ query, caller }) => {
      const after = readRefCursor(query)
      const tenant = caller.tenant ?? query.tenant
      // Of other tenants it sees none, and is told nothing of them.
      if (query.tenant !== undefined && query.tenant !== tenant) return { items: [], nextCursor: null }
      const page = await schedules.list(filterOf({ ...query, tenant }), query.limit, after)
      const nextCursor = writeRefCursor(query, page.more ? page.schedules.at(-1) : undefined)
      return { items: await showSchedules(page.schedules, deps), nextCursor }
    },
  )

  app.get(
    '/v1/schedules/:id',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'readSchedule',
        summary: 'Read a schedule',
        tags,
        params,
        querystring: wire.OfTenant,
        response: {
          200: { ...json('The schedule.', wire.Schedule), headers: etagHeader },
          ...problems('not_found'),
        },
      },
    },
    async ({ params: { id }, query, caller }, reply) => {
      const tenant = tenantOf(caller, query.tenant, () => noSuchSchedule(id))
      const schedule = isScheduleId(id) ? await schedules.read({ tenant, id }) : undefined
      if (!schedule) throw noSuchSchedule(id)
      return answerWith(schedule, reply as FastifyReply, deps)
    },
  )

  app.delete(
    '/v1/schedules/:id',
    {
      config: { scope: 'operate', audit: { action: 'schedule.delete', asked: askedTenant } },
      schema: {
        operationId: 'deleteSchedule',
        summary: 'Delete a schedule',
        description: 'Jobs that it has made stay.',
        tags,
        params,
        querystring: wire.OfTenant,
        headers: ifMatchHeader,
        response: {
          204: z.void().describe('It makes no more jobs.'),
          ...problems(...BODY_PROBLEMS, 'not_found', 'precondition_failed'),
        },
      },
    },
    async (request, reply) => {
      const { params, query, caller, audit } = request
      const ref = { tenant: tenantOf(caller, query.tenant, () => noSuchSchedule(params.id)), id: params.id }
      audit.target.tenant = ref.tenant
      const before = isScheduleId(ref.id) ? await schedules.delete(ref, preconditionOf(request)) : undefined
      if (!before) throw noSuchSchedule(ref.id)
      audit.before = noteOf(before, await findType(catalog, before.type))
      reply.code(204)
    },
  )
}
