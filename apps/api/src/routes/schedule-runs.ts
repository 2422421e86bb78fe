import { isScheduleId, newJobId, type Schedule } from '@foliot/jobs'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { headerText } from '../header-text.ts'
import { assertIdempotencyKey, originOf } from '../job-requests.ts'
import { reasonHeader, reasonOf } from '../move-reason.ts'
import { invalid } from '../problem.ts'
import { askedOf, askedTenant } from '../schedules/asked-of.ts'
import { assertFewTicks, type BackfillPlan } from '../schedules/backfills.ts'
import { toJobByHand } from '../schedules/job-by-hand.ts'
import { noSuchSchedule } from '../schedules/no-such.ts'
import { tenantOf } from '../schedules/tenant-of.ts'
import { sentInput } from '../sent-inputs.ts'
import { takeJob } from '../take-job.ts'
import { json, rateLimitHeaders } from '../wire/answer.ts'
import * as wire from '../wire/job.ts'
import { Operation } from '../wire/operation.ts'
import { BODY_PROBLEMS, problems } from '../wire/problem.ts'
import { OfTenant } from '../wire/schedule.ts'
import { BackfillSchedule, TriggerSchedule } from '../wire/schedule-moves.ts'

const tags = ['schedules']

export function scheduleRunRoutes(app: Api, deps: ApiDeps): void {
  app.post(
    '/v1/schedules/:id/trigger',
    {
      config: { scope: 'operate', audit: { action: 'schedule.trigger', asked: askedTenant } },
      schema: {
        operationId: 'triggerSchedule',
        summary: 'Have a schedule run now',
        description:
          'Makes one job, as a tick would, also while the schedule is paused and whatever its `overlap`. A repeated request with ' +
          'the same `Idempotency-Key` gets the first job.',
        tags,
        params: z.object({ id: z.string() }),
        querystring: OfTenant,
        headers: reasonHeader.extend({ 'idempotency-key': z.string().optional() }),
        body: TriggerSchedule,
        response: {
          200: {
            ...json('The first job of the idempotency key.', wire.Job),
            headers: { 'idempotency-replayed': z.literal('true') },
          },
          202: {
            ...json('The job is stored. `Location` is where it can be read.', wire.Job),
            headers: rateLimitHeaders,
          },
          ...problems(
            ...BODY_PROBLEMS,
            'not_found',
            'idempotency_key_reused',
            'conflict',
            'backpressure',
            'rate_limited',
          ),
        },
      },
    },
    async (request, reply) => {
      const { caller, audit } = request
      const schedule = await find(request)
      const origin = {
        ...originOf(request.raw, schedule),
        idempotencyKey: headerText(request.raw, 'idempotency-key'),
      }
      const inputText = request.body?.input === undefined ? undefined : sentInput(request.bodyBytes)
      const making = toJobByHand(schedule, { inputText }, origin, deps)
      const job = await takeJob(making, { caller, reply: reply as FastifyReply }, deps)
      audit.after = { jobId: job.id }
      return job
    },
  )

  app.post(
    '/v1/schedules/:id/backfill',
    {
      config: {
        scope: 'operate',
        audit: { action: 'schedule.backfill', asked: askedOf },
      },
      schema: {
        operationId: 'backfillSchedule',
        summary: 'Make the jobs of a past range',
        description:
          'Of every tick in it by the rule as it is now, whether it fired or not, at most 100 000, whatever `overlap` says. Answers ' +
          'at once with an operation; `Location` is where its progress can be read. With the same `Idempotency-Key` a repeated ' +
          'request makes no job twice within 24 hours.',
        tags,
        params: z.object({ id: z.string() }),
        querystring: OfTenant,
        headers: reasonHeader.extend({ 'idempotency-key': z.string().optional() }),
        body: BackfillSchedule,
        response: {
          202: json('It has begun.', Operation),
          ...problems(...BODY_PROBLEMS, 'not_found'),
        },
      },
    },
    async (request, reply) => {
      const { body, audit } = request
      const schedule = await find(request)
      const [from, to] = [Date.parse(body.from), Date.parse(body.to)]
      assertPast(to)
      const { tenant, type: name, inputText, calendars: used = [] } = schedule
      const type = await deps.catalog.find(name)
      deps.inputs.check(type, JSON.parse(inputText), inputText)
      const calendars = await deps.schedules.storedCalendars(
        tenant,
        used.map(({ name }) => name),
      )
      await assertFewTicks({ schedule, calendars, from, to })
      const key = headerText(request.raw, 'idempotency-key')
      const plan: BackfillPlan = {
        schedule,
        calendars,
        from,
        to,
        traceparent: originOf(request.raw, schedule).traceparent,
        salt: key === undefined ? newJobId(Date.now()) : `key ${assertIdempotencyKey(key)}`,
      }
      const { operation } = await deps.operations.begin({
        kind: 'backfill',
        filter: { queues: [type.queue], tenant },
        dryRun: body.dryRun,
        ratePerSecond: body.ratePerSecond,
        reason: reasonOf(request),
        plan,
      })
      audit.after = { operation: operation.id }
      reply.code(202).header('location', `/v1/operations/${operation.id}`)
      return operation
    },
  )

  type ScheduleRequest = Pick<FastifyRequest, 'caller' | 'audit'> & {
    params: { id: string }
    query: { tenant?: string | undefined }
  }

  async function find({ params: { id }, query, caller, audit }: ScheduleRequest): Promise<Schedule> {
    const ref = { tenant: tenantOf(caller, query.tenant, () => noSuchSchedule(id)), id }
    audit.target.tenant = ref.tenant
    const schedule = isScheduleId(id) ? await deps.schedules.read(ref) : undefined
    if (!schedule) throw noSuchSchedule(id)
    return schedule
  }
}

function assertPast(to: number): void {
  const now = Date.now()
  if (to <= now) return
  const message = `expected a time that is past (it is ${new Date(now).toISOString()}), got ${new Date(to).toISOString()}`
  throw invalid('the range is not past', [{ path: '/to', message }])
}
