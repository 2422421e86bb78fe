import { FoliotError, isScheduleId, newJobId, type Schedule } from '@foliot/jobs'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { assertStorable } from '../input-text.ts'
import { reasonHeader } from '../move-reason.ts'
import { invalid } from '../problem.ts'
import { answerWith } from '../schedules/answer-schedule.ts'
import { askedTenant } from '../schedules/asked-of.ts'
import { noSuchSchedule } from '../schedules/no-such.ts'
import { noteOf } from '../schedules/note-schedule.ts'
import { etagHeader, type Precondition, preconditionOf, putHeaders } from '../schedules/preconditions.ts'
import { tenantFor, tenantOf } from '../schedules/tenant-of.ts'
import { assertToCome, findType, ruleOf, toChanged, toWanted } from '../schedules/to-schedule.ts'
import { sentInput } from '../sent-inputs.ts'
import { json } from '../wire/answer.ts'
import { BODY_PROBLEMS, problems } from '../wire/problem.ts'
import * as wire from '../wire/schedule.ts'

const tags = ['schedules']
const params = z.object({ id: z.string() })

/** Makes schedules and replaces them. */
export function scheduleEditRoutes(app: Api, deps: ApiDeps): void {
  const { schedules, catalog, inputs } = deps

  app.post(
    '/v1/schedules',
    {
      config: { scope: 'operate', audit: { action: 'schedule.create', asked: askedTenant } },
      schema: {
        operationId: 'createSchedule',
        summary: 'Make a schedule',
        description:
          'Each request makes one: with PUT and an id of your own you can repeat it. There is no `Idempotency-Key` here.',
        tags,
        querystring: wire.OfTenant,
        headers: reasonHeader,
        body: wire.ScheduleRequest,
        response: {
          201: { ...json('The schedule. `Location` is where it can be read.', wire.Schedule), headers: etagHeader },
          ...problems(...BODY_PROBLEMS, 'conflict'),
        },
      },
    },
    async (request, reply) => {
      if (request.headers['idempotency-key'] !== undefined) {
        throw invalid('a schedule is made by each request', [
          { path: '', message: 'expected no header `Idempotency-Key`, which is not heeded here, got one: use PUT' },
        ])
      }
      const id = request.body.id ?? newJobId(Date.now())
      const tenant = tenantFor(request.caller, request.query.tenant)
      const { after } = await put(request, { tenant, id }, (before) => {
        if (!before) return
        throw new FoliotError('conflict', `expected a new id, got ${JSON.stringify(id)}, which a schedule has`, {
          hint: 'PUT /v1/schedules/{id} replaces it',
        })
      })
      reply.code(201).header('location', `/v1/schedules/${encodeURIComponent(id)}${tenantQuery(request)}`)
      return answerWith(after, reply as FastifyReply, deps)
    },
  )

  app.put(
    '/v1/schedules/:id',
    {
      config: { scope: 'operate', audit: { action: 'schedule.put', asked: askedTenant } },
      schema: {
        operationId: 'putSchedule',
        summary: 'Make or replace a schedule',
        description:
          'As a whole: what is left out is as by default, also a pause. To send what is there already changes nothing. The next ' +
          'tick counts from the change, in less than a second; what has begun goes on.',
        tags,
        params,
        querystring: wire.OfTenant,
        headers: putHeaders,
        body: wire.ScheduleRequest,
        response: {
          200: { ...json('It was there, and is now so.', wire.Schedule), headers: etagHeader },
          201: { ...json('It was made.', wire.Schedule), headers: etagHeader },
          ...problems(...BODY_PROBLEMS, 'not_found', 'conflict', 'precondition_failed'),
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      if (request.body.id !== undefined && request.body.id !== id) {
        const message = `expected ${JSON.stringify(id)}, as in the path, or none, got ${JSON.stringify(request.body.id)}`
        throw invalid('the request has two ids', [{ path: '/id', message }])
      }
      const tenant = tenantOf(request.caller, request.query.tenant, () => noSuchSchedule(id))
      const { before, after } = await put(request, { tenant, id }, preconditionOf(request))
      reply.code(before ? 200 : 201)
      return answerWith(after, reply as FastifyReply, deps)
    },
  )

  type PutRequest = Pick<FastifyRequest, 'audit' | 'bodyBytes'> & { body: wire.ScheduleRequest }

  async function put(request: PutRequest, ref: { tenant: string; id: string }, assertMay: Precondition) {
    const { body, audit, bodyBytes } = request
    if (!isScheduleId(ref.id)) throw wrongId(ref.id)
    Object.assign(audit.target, ref)
    const inputText = sentInput(bodyBytes)
    const type = await findType(catalog, body.type)
    if (type) inputs.check(type, body.input, inputText)
    else assertStorable(body.input, inputText)
    const wanted = toWanted(body, ref, inputText)
    const calendars = await schedules.calendars(
      ref.tenant,
      (wanted.calendars ?? []).map(({ name }) => name),
    )
    const rule = ruleOf(wanted, calendars)
    const { before, after } = await schedules.put(ref, (before, revision) => {
      assertMay(before)
      const now = Date.now()
      const changed = toChanged(wanted, before, revision, now)
      if (changed) assertToCome(rule, wanted, now)
      return changed
    })
    if (before) audit.before = noteOf(before, await findType(catalog, before.type))
    audit.after = noteOf(after as Schedule, type)
    return { before, after: after as Schedule }
  }
}

const tenantQuery = ({ query: { tenant } }: { query: { tenant?: string | undefined } }): string =>
  tenant === undefined ? '' : `?tenant=${tenant}`

function wrongId(id: string): FoliotError {
  const message = `expected an id like "nightly-report" ([A-Za-z0-9][A-Za-z0-9._:-]*, at most 128 characters), got ${JSON.stringify(id.slice(0, 128))}`
  return invalid('the id cannot be used', [{ path: '/id', message }])
}
