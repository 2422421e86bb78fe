import { isScheduleId } from '@foliot/jobs'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { askedTenant } from '../schedules/asked-of.ts'
import { noSuchCalendar } from '../schedules/no-such.ts'
import { etagHeader, ifMatchHeader, preconditionOf } from '../schedules/preconditions.ts'
import { readRefCursor, writeRefCursor } from '../schedules/ref-cursor.ts'
import { answerWithCalendar, showCalendar } from '../schedules/show-calendar.ts'
import { tenantOf } from '../schedules/tenant-of.ts'
import { json } from '../wire/answer.ts'
import * as wire from '../wire/calendar.ts'
import { BODY_PROBLEMS, problems } from '../wire/problem.ts'
import { OfTenant } from '../wire/schedule.ts'

const tags = ['schedules']
const params = z.object({ name: z.string() })

export function calendarRoutes(app: Api, { schedules }: ApiDeps): void {
  app.get(
    '/v1/calendars',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listCalendars',
        summary: 'List calendars',
        description: 'By tenant, and then by name.',
        tags,
        querystring: wire.ListCalendars,
        response: { 200: json('One page.', wire.CalendarList), ...problems() },
      },
    },
    async ({ query, caller }) => {
      const after = readRefCursor(query)
      const tenant = caller.tenant ?? query.tenant
      // Of other tenants it sees none, and is told nothing of them.
      if (query.tenant !== undefined && query.tenant !== tenant) return { items: [], nextCursor: null }
      const from = after && { tenant: after.tenant, name: after.id }
      const { calendars, more } = await schedules.listCalendars(tenant, query.limit, from)
      const last = more ? calendars.at(-1) : undefined
      const nextCursor = writeRefCursor(query, last && { tenant: last.tenant, id: last.name })
      return { items: calendars.map(showCalendar), nextCursor }
    },
  )

  app.get(
    '/v1/calendars/:name',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'readCalendar',
        summary: 'Read a calendar',
        tags,
        params,
        querystring: OfTenant,
        response: { 200: { ...json('The calendar.', wire.Calendar), headers: etagHeader }, ...problems('not_found') },
      },
    },
    async ({ params: { name }, query, caller }, reply) => {
      const tenant = tenantOf(caller, query.tenant, () => noSuchCalendar(name))
      const calendar = isScheduleId(name) ? await schedules.readCalendar({ tenant, name }) : undefined
      if (!calendar) throw noSuchCalendar(name)
      return answerWithCalendar(calendar, reply as FastifyReply)
    },
  )

  app.delete(
    '/v1/calendars/:name',
    {
      config: { scope: 'operate', audit: { action: 'calendar.delete', asked: askedTenant } },
      schema: {
        operationId: 'deleteCalendar',
        summary: 'Delete a calendar',
        description: 'One that no schedule uses.',
        tags,
        params,
        querystring: OfTenant,
        headers: ifMatchHeader,
        response: {
          204: z.void().describe('It is no more.'),
          ...problems(...BODY_PROBLEMS, 'not_found', 'conflict', 'precondition_failed'),
        },
      },
    },
    async (request, reply) => {
      const { params, query, caller, audit } = request
      const ref = { tenant: tenantOf(caller, query.tenant, () => noSuchCalendar(params.name)), name: params.name }
      audit.target.tenant = ref.tenant
      const assertMay = preconditionOf(request)
      const before = isScheduleId(ref.name) ? await schedules.deleteCalendar(ref, assertMay) : undefined
      if (!before) throw noSuchCalendar(ref.name)
      audit.before = showCalendar(before)
      reply.code(204)
    },
  )
}
