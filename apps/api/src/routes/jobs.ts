import type { IncomingMessage } from 'node:http'
import { FoliotError, type Job } from '@foliot/jobs'
import {
  type Catalog,
  cancelJob,
  enqueue,
  enqueueMany,
  type JobRef,
  listJobs,
  locateJob,
  type MoveReason,
  type NewJob,
  promoteJob,
  readJob,
  readLog,
  redriveJob,
} from '@foliot/queue'
import { traceContextOf } from '@foliot/telemetry'
import type { FastifyRequest } from 'fastify'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { toFilter } from '../job-filter.ts'
import { toNewJob } from '../job-requests.ts'
import { invalid, toFoliotError, toProblem } from '../problem.ts'
import { fieldErrorsOf } from '../validation.ts'
import { json, text } from '../wire/answer.ts'
import * as wire from '../wire/job.ts'
import { JobList, ListJobs } from '../wire/list.ts'
import { BatchResults, BODY_PROBLEMS, problems } from '../wire/problem.ts'

/** Until there are tenants, everything belongs to this one. */
const TENANT = 'default'
const BATCH_BODY_BYTES = 8 * 1024 * 1024

const tags = ['jobs']
const params = z.object({ id: z.string() })

export function jobRoutes(app: Api, deps: ApiDeps): void {
  enqueueRoutes(app, deps)
  readRoutes(app, deps)
  moveRoutes(app, deps)
}

function enqueueRoutes(app: Api, { redis, catalog, inputs }: ApiDeps): void {
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

function readRoutes(app: Api, { redis, catalog, finishes }: ApiDeps): void {
  app.get(
    '/v1/jobs',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listJobs',
        summary: 'List jobs',
        description:
          'Newest first. Lists of live jobs may shift while they are read. A page may be short and still have a `nextCursor`.',
        tags,
        querystring: ListJobs,
        response: { 200: json('One page.', JobList), ...problems('validation_failed', 'not_found') },
      },
    },
    async ({ query }) => {
      const { status: statuses } = query
      const filter = { ...(await toFilter(query, catalog)), ...(statuses && { statuses }) }
      const { items, nextCursor } = await listJobs(redis, filter, query.limit, query.cursor)
      return { items, nextCursor: nextCursor ?? null }
    },
  )

  app.get(
    '/v1/jobs/:id',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'readJob',
        summary: 'Read a job',
        tags,
        params,
        response: { 200: json('The job as it is now.', wire.Job), ...problems('not_found') },
      },
    },
    async ({ params: { id } }) => {
      const { queue } = await locate(redis, catalog, id)
      return readJob(redis, [queue], id)
    },
  )

  app.get(
    '/v1/jobs/:id/wait',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'waitForJob',
        summary: 'Wait for the end of a job',
        tags,
        params,
        querystring: z.strictObject({
          timeoutMs: z.coerce.number().int().min(0).max(60_000).default(30_000).describe('How long to wait.'),
        }),
        response: {
          200: json('The job has ended.', wire.Job),
          202: json('It is still going on.', wire.Job),
          ...problems('validation_failed', 'not_found'),
        },
      },
    },
    async (request, reply) => {
      const ref = await locate(redis, catalog, request.params.id)
      const gone = new AbortController()
      reply.raw.once('close', () => gone.abort())
      const { job, ended } = await finishes.waitFor(ref, request.query.timeoutMs, gone.signal)
      reply.code(ended ? 200 : 202)
      return job
    },
  )

  app.get(
    '/v1/jobs/:id/logs',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'readJobLog',
        summary: 'Read the log of a job',
        description: 'One line each: time, level, message, fields. The last 1000 lines are kept.',
        tags,
        params,
        response: { 200: text('The lines, oldest first.', z.string()), ...problems('not_found') },
      },
    },
    async ({ params }, reply) => {
      const lines = await readLog(redis, await locate(redis, catalog, params.id))
      // A string is not JSON here: the serializer of the route is passed by.
      reply.type('text/plain; charset=utf-8').serializer((lines: unknown) => lines as string)
      return lines.map((line) => `${line}\n`).join('')
    },
  )
}

const MOVES = {
  cancel: { summary: 'Cancel a job that waits', move: cancelJob },
  retry: { summary: 'Put a dead letter back into its queue', move: redriveJob },
  promote: { summary: 'Let a scheduled or retrying job run now', move: promoteJob },
} as const

function moveRoutes(app: Api, { redis, catalog }: ApiDeps): void {
  for (const [verb, { summary, move }] of Object.entries(MOVES)) {
    app.post(
      `/v1/jobs/:id/${verb}`,
      {
        config: { scope: 'operate' },
        schema: {
          operationId: `${verb}Job`,
          summary,
          tags,
          params,
          headers: reasonHeader,
          response: {
            200: json('The job after the move.', wire.Job),
            ...problems(...BODY_PROBLEMS, 'not_found', 'illegal_transition'),
          },
        },
      },
      async (request) => {
        return move(redis, await locate(redis, catalog, request.params.id), reasonOf(request))
      },
    )
  }
}

/**
 * Finds a job, also in a queue that is newer than what the catalog was last told.
 *
 * @throws FoliotError `not_found`
 */
async function locate(redis: Redis, catalog: Catalog, id: string): Promise<JobRef> {
  const known = catalog.queues
  try {
    return await locateJob(redis, known, id)
  } catch (error) {
    if (toFoliotError(error).code !== 'not_found') throw error
    await catalog.refresh()
    return locateJob(
      redis,
      catalog.queues.filter((queue) => !known.includes(queue)),
      id,
    )
  }
}

/** For routes that move jobs by hand. */
export const reasonHeader = z.looseObject({
  'x-reason': z.string().optional().describe('Why, for the timeline of each job that is moved.'),
})

/** Who asks for a change, and why if they say so. */
export function reasonOf({ caller, headers }: FastifyRequest): MoveReason {
  const reason = headers['x-reason']
  return { by: caller.name, ...(typeof reason === 'string' && reason !== '' && { reason: reason.slice(0, 256) }) }
}

const originOf = ({ raw }: { raw: IncomingMessage }) => ({ tenant: TENANT, traceparent: traceContextOf(raw.headers) })
