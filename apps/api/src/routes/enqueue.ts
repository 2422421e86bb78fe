import type { IncomingMessage } from 'node:http'
import { FoliotError } from '@foliot/jobs'
import { type Enqueued, enqueue, enqueueMany, type NewJob } from '@foliot/queue'
import { traceContextOf } from '@foliot/telemetry'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { type RequestOrigin, toNewJob } from '../job-requests.ts'
import { invalid, toFoliotError, toProblem } from '../problem.ts'
import { fieldErrorsOf } from '../validation.ts'
import { json } from '../wire/answer.ts'
import * as wire from '../wire/job.ts'
import { BatchResults, BODY_PROBLEMS, problems } from '../wire/problem.ts'

/** Until there are tenants, everything belongs to this one. */
const TENANT = 'default'
const BATCH_BODY_BYTES = 8 * 1024 * 1024

/**
 * A batch is read, stored and answered part by part: what is made of a thousand jobs at once would live long enough to
 * cost the garbage collector more than all the rest.
 */
const STORED_AT_ONCE = 200

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
      const { jobs } = request.body
      const results: string[] = []
      let stored = 0
      let unavailable: FoliotError | undefined
      for (let from = 0; from < jobs.length; from += STORED_AT_ONCE) {
        for (const item of await store(jobs.slice(from, from + STORED_AT_ONCE), origin)) {
          if (!(item instanceof FoliotError)) stored++
          else if (item.code === 'unavailable') unavailable = item
          results.push(JSON.stringify(toResult(item)))
        }
      }
      // With Redis away there is nothing to tell item by item: the batch as a whole is to be sent again.
      if (unavailable && stored === 0) throw unavailable
      await sendJson(reply as FastifyReply, 207, `{"results":[${results.join(',')}]}`)
    },
  )

  /** Items that are wrong are answered as such, and spoil no other. */
  async function store(items: readonly unknown[], origin: RequestOrigin): Promise<Stored[]> {
    const read = await Promise.all(
      items.map(async (item) => {
        try {
          return await toNewJob(parseItem(item), origin, catalog, inputs)
        } catch (error) {
          return toFoliotError(error)
        }
      }),
    )
    const jobs = read.filter((item): item is NewJob => !(item instanceof FoliotError))
    const enqueued = (await enqueueMany(redis, jobs)).values()
    return read.map((item) => {
      const stored = item instanceof FoliotError ? item : (enqueued.next().value as Enqueued | Error)
      return stored instanceof Error ? toFoliotError(stored) : stored
    })
  }
}

type Stored = Enqueued | FoliotError

function toResult(stored: Stored) {
  if (stored instanceof FoliotError) return { status: stored.status, error: toProblem(stored) }
  return { status: stored.replayed ? 200 : 202, job: stored.job }
}

/** Sends JSON that is text already. */
const sendJson = (reply: FastifyReply, status: number, text: string): FastifyReply =>
  reply.code(status).type('application/json').send(text)

function parseItem(item: unknown): wire.JobRequest {
  const result = wire.JobRequest.safeParse(item)
  if (result.success) return result.data
  throw invalid('the job is not as expected', fieldErrorsOf(result.error.issues))
}

const originOf = ({ raw }: { raw: IncomingMessage }) => ({ tenant: TENANT, traceparent: traceContextOf(raw.headers) })
