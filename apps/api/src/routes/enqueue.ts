import type { IncomingMessage } from 'node:http'
import { FoliotError, type Job } from '@foliot/jobs'
import { enqueue, enqueueMany, type NewJob } from '@foliot/queue'
import { traceContextOf } from '@foliot/telemetry'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { toNewJob } from '../job-requests.ts'
import { invalid, toFoliotError, toProblem } from '../problem.ts'
import { fieldErrorsOf } from '../validation.ts'
import { json } from '../wire/answer.ts'
import * as wire from '../wire/job.ts'
import { BatchResults, BODY_PROBLEMS, problems } from '../wire/problem.ts'

/** Until there are tenants, everything belongs to this one. */
const TENANT = 'default'
const BATCH_BODY_BYTES = 8 * 1024 * 1024

const tags = ['jobs']

export function enqueueRoutes(app: Api, { redis, catalog, inputs }: ApiDeps): void {
  app.post(
    '/v1/jobs',
    {
      config: { scope: 'enqueue' },
      schema: {
        operationId: 'enqueueJob',
        summary: 'Have a job done',
        description:
          'Answers 202 once the job is stored. A repeated request with the same `Idempotency-Key` gets the first job.',
        tags,
        headers: z.looseObject({
          'idempotency-key': z.string().optional().describe('The same as the field `idempotencyKey`.'),
        }),
        body: wire.JobRequest,
        response: {
          200: json('The idempotency key was used before, with the same request: the first job.', wire.Job),
          202: json('The job is stored. `Location` is where it can be read.', wire.Job),
          ...problems(...BODY_PROBLEMS, 'unknown_job_type', 'idempotency_key_reused'),
        },
      },
    },
    async (request, reply) => {
      const origin = { ...originOf(request), idempotencyKey: request.headers['idempotency-key'] }
      const { job, replayed } = await enqueue(redis, await toNewJob(request.body, origin, catalog, inputs))
      reply.code(replayed ? 200 : 202).header('location', `/v1/jobs/${job.id}`)
      if (replayed) reply.header('idempotency-replayed', 'true')
      return job
    },
  )

  app.post(
    '/v1/jobs/batch',
    {
      bodyLimit: BATCH_BODY_BYTES,
      config: { scope: 'enqueue' },
      schema: {
        operationId: 'enqueueJobs',
        summary: 'Have up to 1000 jobs done',
        description: 'Each job succeeds or fails for itself; `results` are in the order of `jobs`.',
        tags,
        body: wire.BatchRequest,
        response: {
          207: json('What became of each job, in their order.', BatchResults),
          ...problems(...BODY_PROBLEMS),
        },
      },
    },
    async (request, reply) => {
      if (request.headers['idempotency-key'] !== undefined) {
        throw invalid('a batch has no idempotency key of its own', [
          { path: '/jobs', message: 'expected `idempotencyKey` in each job, got the header `Idempotency-Key`' },
        ])
      }
      const origin = originOf(request)
      const parsed = await Promise.all(
        request.body.jobs.map(async (item) => {
          try {
            return await toNewJob(parseItem(item), origin, catalog, inputs)
          } catch (error) {
            return toFoliotError(error)
          }
        }),
      )
      const jobs = parsed.filter((item): item is NewJob => !(item instanceof FoliotError))
      const stored = (await enqueueMany(redis, jobs)).map((result) =>
        result instanceof Error ? toFoliotError(result) : result,
      )
      // With Redis away there is nothing to tell item by item: the batch as a whole is to be sent again.
      if (stored.length > 0 && stored.every(isUnavailable)) throw stored[0]
      const next = stored.values()
      const results = parsed.map((item) => toResult(item instanceof FoliotError ? item : (next.next().value as Stored)))
      reply.code(207)
      return { results }
    },
  )
}

type Stored = { job: Job; replayed: boolean } | FoliotError

const isUnavailable = (stored: Stored): boolean => stored instanceof FoliotError && stored.code === 'unavailable'

function toResult(stored: Stored) {
  if (stored instanceof FoliotError) return { status: stored.status, error: toProblem(stored) }
  return { status: stored.replayed ? 200 : 202, job: stored.job }
}

function parseItem(item: unknown): wire.JobRequest {
  const result = wire.JobRequest.safeParse(item)
  if (result.success) return result.data
  throw invalid('the job is not as expected', fieldErrorsOf(result.error.issues))
}

const originOf = ({ raw }: { raw: IncomingMessage }) => ({ tenant: TENANT, traceparent: traceContextOf(raw.headers) })
