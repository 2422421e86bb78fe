import type { IncomingMessage } from 'node:http'
import { FoliotError, type Job } from '@foliot/jobs'
import {
  cancelJob,
  enqueue,
  enqueueMany,
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
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { toFilter } from '../job-filter.ts'
import { toNewJob } from '../job-requests.ts'
import { invalid, toFoliotError, toProblem } from '../problem.ts'
import * as wire from '../wire/job.ts'
import { JobList, ListJobs } from '../wire/list.ts'
import { BatchResults, problems } from '../wire/problem.ts'

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
        summary: 'Have a job done',
        description:
          'Answers 202 once the job is stored. A repeated request with the same `Idempotency-Key` gets the first job.',
        tags,
        headers: z.looseObject({ 'idempotency-key': z.string().optional() }),
        body: wire.JobRequest,
        response: {
          200: wire.Job.describe('The idempotency key was used before, with the same request: the first job.'),
          202: wire.Job.describe('The job is stored. `Location` is where it can be read.'),
          ...problems(
            'validation_failed',
            'unknown_job_type',
            'payload_too_large',
            'unsupported_media_type',
            'idempotency_key_reused',
          ),
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
        summary: 'Have up to 1000 jobs done',
        description: 'Each job succeeds or fails for itself; `results` are in the order of `jobs`.',
        tags,
        body: wire.BatchRequest,
        response: {
          207: BatchResults,
          ...problems('validation_failed', 'payload_too_large', 'unsupported_media_type'),
        },
      },
    },
    async (request, reply) => {
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
      const stored = (await enqueueMany(redis, jobs)).values()
      const results = parsed.map((item) =>
        toResult(item instanceof FoliotError ? item : (stored.next().value as Stored)),
      )
      reply.code(207)
      return { results }
    },
  )
}

type Stored = { job: Job; replayed: boolean } | Error

function toResult(stored: Stored) {
  if (!(stored instanceof Error)) return { status: stored.replayed ? 200 : 202, job: stored.job }
  const error: FoliotError = toFoliotError(stored)
  return { status: error.status, error: toProblem(error) }
}

function parseItem(item: unknown): wire.JobRequest {
  const result = wire.JobRequest.safeParse(item)
  if (result.success) return result.data
  throw invalid(
    'the job is not as expected',
    result.error.issues.map(({ path, message }) => ({ path: `/${path.map(String).join('/')}`, message })),
  )
}

function readRoutes(app: Api, { redis, catalog, finishes }: ApiDeps): void {
  app.get(
    '/v1/jobs',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List jobs',
        description:
          'Newest first. Lists of live jobs may shift while they are read. A page may be short and still have a `nextCursor`.',
        tags,
        querystring: ListJobs,
        response: { 200: JobList, ...problems('validation_failed') },
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
      schema: { summary: 'Read a job', tags, params, response: { 200: wire.Job, ...problems('not_found') } },
    },
    async ({ params }) => readJob(redis, await queuesOf(catalog), params.id),
  )

  app.get(
    '/v1/jobs/:id/wait',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Wait for the end of a job',
        tags,
        params,
        querystring: z.strictObject({
          timeoutMs: z.coerce.number().int().min(0).max(60_000).default(30_000).describe('How long to wait.'),
        }),
        response: {
          200: wire.Job.describe('The job has ended.'),
          202: wire.Job.describe('It is still going on.'),
          ...problems('validation_failed', 'not_found'),
        },
      },
    },
    async (request, reply) => {
      const ref = await locateJob(redis, await queuesOf(catalog), request.params.id)
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
        summary: 'Read the log of a job',
        description: 'One line each: time, level, message, fields. The last 1000 lines are kept.',
        tags,
        params,
        produces: ['text/plain'],
        response: { 200: z.string(), ...problems('not_found') },
      },
    },
    async ({ params }, reply) => {
      const lines = await readLog(redis, await locateJob(redis, await queuesOf(catalog), params.id))
      // A string is not JSON here: the serializer of the route is passed by.
      reply.type('text/plain; charset=utf-8').serializer((text: unknown) => text as string)
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
        schema: { summary, tags, params, response: { 200: wire.Job, ...problems('not_found', 'illegal_transition') } },
      },
      async (request) => {
        const { id } = request.params
        return move(redis, await locateJob(redis, await queuesOf(catalog), id), reasonOf(request))
      },
    )
  }
}

/** A queue may be newer than what the catalog was last told. */
async function queuesOf(catalog: ApiDeps['catalog']): Promise<readonly string[]> {
  if (catalog.queues.length === 0) await catalog.refresh()
  return catalog.queues
}

/** Who asks for a change, and why if they say so. */
export function reasonOf({ caller, headers }: FastifyRequest): MoveReason {
  const reason = headers['x-reason']
  return { by: caller.name, ...(typeof reason === 'string' && reason !== '' && { reason: reason.slice(0, 256) }) }
}

const originOf = ({ raw }: { raw: IncomingMessage }) => ({ tenant: TENANT, traceparent: traceContextOf(raw.headers) })
