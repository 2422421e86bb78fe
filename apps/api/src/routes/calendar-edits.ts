import { FoliotError, isScheduleId, type StoredCalendar } from '@foliot/jobs'
import { Calendar } from '@foliot/schedules'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { canonicalJson } from '../canonical-json.ts'
import { reasonHeader } from '../move-reason.ts'
import { invalid } from '../problem.ts'
import { askedTenant } from '../schedules/asked-of.ts'
import { noSuchCalendar } from '../schedules/no-such.ts'
import { etagHeader, type Precondition, preconditionOf, putHeaders } from '../schedules/preconditions.ts'
import { answerWithCalendar, showCalendar } from '../schedules/show-calendar.ts'
import { tenantFor, tenantOf } from '../schedules/tenant-of.ts'
import { warnOfNeverDue } from '../schedules/warn-never-due.ts'
import { json } from '../wire/answer.ts'
import * as wire from '../wire/calendar.ts'
import { BODY_PROBLEMS, problems } from '../wire/problem.ts'
import { OfTenant } from '../wire/schedule.ts'

const tags = ['schedules']
const params = z.object({ name: z.string() })

/** Makes calendars and replaces them. */
export function calendarEditRoutes(app: Api, { schedules }: ApiDeps): void {
  app.post(
    '/v1/calendars',
    {
      config: { scope: 'operate', audit: { action: 'calendar.create', asked: askedTenant } },
      schema: {
        operationId: 'createCalendar',
        summary: 'Make a calendar',
        tags,
        querystring: OfTenant,
        headers: reasonHeader,
        body: wire.CalendarRequest,
        response: {
          201: { ...json('The calendar. `Location` is where it can be read.', wire.Calendar), headers: etagHeader },
          ...problems(...BODY_PROBLEMS, 'conflict'),
        },
      },
    },
    async (request, reply) => {
      const { name } = request.body
      if (name === undefined)
        throw invalid('a calendar needs a name', [{ path: '/name', message: 'expected text, got nothing' }])
      const tenant = tenantFor(request.caller, request.query.tenant)
      const { after } = await put(request, { tenant, name }, (before) => {
        if (!before) return
        throw new FoliotError('conflict', `expected a new name, got ${JSON.stringify(name)}, which a calendar has`, {
          hint: 'PUT /v1/calendars/{name} replaces it',
        })
      })
      const { tenant: asked } = request.query
      reply.code(201).header('location', `/v1/calendars/${name}${asked === undefined ? '' : `?tenant=${asked}`}`)
      return answerWithCalendar(after, reply as FastifyReply)
    },
  )

  app.put(
    '/v1/calendars/:name',
    {
      config: { scope: 'operate', audit: { action: 'calendar.put', asked: askedTenant } },
      schema: {
        operationId: 'putCalendar',
        summary: 'Make or replace a calendar',
        description:
          'As a whole. To send what is there already changes nothing. It holds for every schedule that names it, in less than a second: ' +
          'should some of them never be due any more with it, `warnings` name up to 10, of the first 200 by id.',
        tags,
        params,
        querystring: OfTenant,
        headers: putHeaders,
        body: wire.CalendarRequest,
        response: {
          200: { ...json('It was there, and is now so.', wire.PutCalendar), headers: etagHeader },
          201: { ...json('It was made.', wire.PutCalendar), headers: etagHeader },
          ...problems(...BODY_PROBLEMS, 'not_found', 'conflict', 'precondition_failed'),
        },
      },
    },
    async (request, reply) => {
      const { name } = request.params
      if (request.body.name !== undefined && request.body.name !== name) {
        const message = `expected ${JSON.stringify(name)}, as in the path, or none, got ${JSON.stringify(request.body.name)}`
        throw invalid('the request has two names', [{ path: '/name', message }])
      }
      const tenant = tenantOf(request.caller, request.query.tenant, () => noSuchCalendar(name))
      const { before, after } = await put(request, { tenant, name }, preconditionOf(request))
      const warnings = before ? await warnOfNeverDue(after, schedules) : []
      reply.code(before ? 200 : 201)
      return { ...answerWithCalendar(after, reply as FastifyReply), warnings }
    },
  )

  type PutRequest = Pick<FastifyRequest, 'audit'> & { body: wire.CalendarRequest }

  async function put(
    { body, audit }: PutRequest,
    { tenant, name }: { tenant: string; name: string },
    assertMay: Precondition,
  ) {
    if (!isScheduleId(name)) throw wrongName(name)
    Object.assign(audit.target, { id: name, tenant })
    const wanted = { ...body, name, tenant }
    // It says what is wrong.
    new Calendar(wanted)
    const { before, after } = await schedules.putCalendar({ tenant, name }, (before, revision) => {
      assertMay(before)
      if (before && isSame(wanted, before)) return undefined
      const now = Date.now()
      return {
        ...wanted,
        revision,
        createdAt: before?.createdAt ?? now,
        updatedAt: Math.max(now, before?.updatedAt ?? 0),
      }
    })
    if (before) audit.before = showCalendar(before)
    audit.after = showCalendar(after as StoredCalendar)
    return { before, after: after as StoredCalendar }
  }
}

type WantedCalendar = Omit<StoredCalendar, 'revision' | 'createdAt' | 'updatedAt'>

function isSame(wanted: WantedCalendar, before: StoredCalendar): boolean {
  const { revision, createdAt, updatedAt, ...kept } = before
  return canonicalJson(wanted) === canonicalJson(kept)
}

function wrongName(name: string): FoliotError {
  const message = `expected a name like "holidays" ([A-Za-z0-9][A-Za-z0-9._:-]*, at most 128 characters), got ${JSON.stringify(name.slice(0, 128))}`
  return invalid('the name cannot be used', [{ path: '/name', message }])
}
