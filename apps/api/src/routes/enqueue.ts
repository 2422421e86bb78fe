import { type Enqueued, enqueue, QuotaReached } from '@foliot/queue'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { askLeave, refusalFor } from '../enqueue-quota.ts'
import { headerText } from '../header-text.ts'
import { originOf, type RequestOrigin, type SentJob, toNewJob } from '../job-requests.ts'
import { sentInput } from '../sent-inputs.ts'
import { json, rateLimitHeaders } from '../wire/answer.ts'
import * as wire from '../wire/job.ts'
import { BODY_PROBLEMS, problems } from '../wire/problem.ts'

/** A header that says "true" or is not there. */
const flag = (description: string) => z.literal('true').optional().describe(description)

export function enqueueRoutes(app: Api, deps: ApiDeps): void {
  const { redis, disk } = deps

  app.post(
    '/v1/jobs',
    {
      config: { scope: 'enqueue', audit: false },
      schema: {
        operationId: 'enqueueJob',
        summary: 'Have a job done',
        description:
          'Answers 202 once the job is stored. A repeated request with the same `Idempotency-Key` gets the first job; one ' +
          'whose `dedupe` key a live job has gets that one.',
        tags: ['jobs'],
        headers: z.looseObject({
          'idempotency-key': z.string().optional().describe('The same as the field `idempotencyKey`.'),
        }),
        body: wire.JobRequest,
        response: {
          200: {
            ...json('No new job: the first one of the idempotency key, or the live one of the `dedupe` key.', wire.Job),
            headers: {
              'idempotency-replayed': flag('There if the idempotency key was used before, with the same request.'),
              deduplicated: flag('There if another live job has the `dedupe` key.'),
            },
          },
          202: {
            ...json('The job is stored. `Location` is where it can be read.', wire.Job),
            headers: rateLimitHeaders,
          },
          ...problems(
            ...BODY_PROBLEMS,
            'unknown_job_type',
            'conflict',
            'idempotency_key_reused',
            'backpressure',
            'rate_limited',
          ),
        },
      },
    },
    async (request, reply) => {
      const origin = {
        ...originOf(request.raw, request.caller),
        idempotencyKey: headerText(request.raw, 'idempotency-key'),
      }
      const sent = { request: request.body, inputText: sentInput(request.bodyBytes) }
      const enqueued = await take(sent, origin, reply as FastifyReply).catch((error: unknown) => {
        throw refusalFor(request.caller, error)
      })
      const { replayed, deduplicated } = enqueued
      const job = await deps.jobs.recall(enqueued)
      reply.code(replayed || deduplicated ? 200 : 202).header('location', `/v1/jobs/${job.id}`)
      if (replayed) reply.header('idempotency-replayed', 'true')
      if (deduplicated) reply.header('deduplicated', 'true')
      return job
    },
  )

  async function take(sent: SentJob, origin: RequestOrigin, reply: FastifyReply): Promise<Enqueued> {
    const job = await toNewJob(sent, origin, deps)
    const leave = await askLeave(deps, origin.tenant, 1)
    reply.headers(leave.headers())
    if (leave.granted === 0) throw leave.refusal()
    try {
      const enqueued = await enqueue(redis, job, disk)
      reply.headers(leave.headers(enqueued.open))
      return enqueued
    } catch (error) {
      await leave.giveBack(1)
      if (error instanceof QuotaReached) reply.headers(leave.headers(error.open))
      throw error
    }
  }
}
