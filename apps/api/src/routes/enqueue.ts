import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { headerText } from '../header-text.ts'
import { originOf, toNewJob } from '../job-requests.ts'
import { sentInput } from '../sent-inputs.ts'
import { takeJob } from '../take-job.ts'
import { json, rateLimitHeaders } from '../wire/answer.ts'
import * as wire from '../wire/job.ts'
import { BODY_PROBLEMS, problems } from '../wire/problem.ts'

/** A header that says "true" or is not there. */
const flag = (description: string) => z.literal('true').optional().describe(description)

export function enqueueRoutes(app: Api, deps: ApiDeps): void {
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
      return takeJob(toNewJob(sent, origin, deps), { caller: request.caller, reply: reply as FastifyReply }, deps)
    },
  )
}
