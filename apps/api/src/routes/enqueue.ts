import type { IncomingMessage } from 'node:http'
import { FoliotError } from '@foliot/jobs'
import { type Enqueued, enqueue, enqueueMany, type NewJob } from '@foliot/queue'
import { traceContextOf } from '@foliot/telemetry'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { headerText } from '../header-text.ts'
import { type RequestOrigin, toNewJob } from '../job-requests.ts'
import { invalid, retryAfterOf, toFoliotError, toProblem } from '../problem.ts'
import { validate } from '../validation.ts'
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

/** A header that says "true" or is not there. */
const flag = (description: string) => z.literal('true').optional().describe(description)

export function enqueueRoutes(app: Api, deps: ApiDeps): void {
  const { redis, disk } = deps

  app.post(
    '/v1/jobs',
    {
      config: { scope: 'enqueue' },
      schema: {
        operationId: 'enqueueJob',
        summary: 'Have a job done',
        description:
          'Answers 202 once the job is stored. A repeated request with the same `Idempotency-Key` gets the first job; one ' +
          'whose `dedupe` key a live job has gets that one.',
        tags,
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
          202: json('The job is stored. `Location` is where it can be read.', wire.Job),
          ...problems(...BODY_PROBLEMS, 'unknown_job_type', 'conflict', 'idempotency_key_reused', 'backpressure'),
        },
      },
    },
    async (request, reply) => {
      const origin = { ...originOf(request), idempotencyKey: headerText(request.raw, 'idempotency-key') }
      const { job, replayed, deduplicated } = await enqueue(redis, await toNewJob(request.body, origin, deps), disk)
      reply.code(replayed || deduplicated ? 200 : 202).header('location', `/v1/jobs/${job.id}`)
      if (replayed) reply.header('idempotency-replayed', 'true')
      if (deduplicated) reply.header('deduplicated', 'true')
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
          207: {
            ...json('What became of each job, in their order.', BatchResults),
            headers: {
              'retry-after': z.int().optional().describe('In s, if jobs were refused that can be sent again.'),
            },
          },
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
      let retryAfter = 0
      let unavailable: FoliotError | undefined
      // Each part would wait for the disk by itself.
      const atOnce = jobs.some(waitsForDisk) ? jobs.length : STORED_AT_ONCE
      for (let from = 0; from < jobs.length; from += atOnce) {
        for (const item of await store(jobs.slice(from, from + atOnce), origin)) {
          if (item instanceof FoliotError) {
            if (item.code === 'unavailable') unavailable = item
            retryAfter = Math.max(retryAfter, retryAfterOf(item) ?? 0)
          } else stored++
          results.push(JSON.stringify(toResult(item)))
        }
      }
      // With Redis away there is nothing to tell item by item: the batch as a whole is to be sent again.
      if (unavailable && stored === 0) throw unavailable
      if (retryAfter > 0) reply.header('retry-after', retryAfter)
      await sendJson(reply as FastifyReply, 207, `{"results":[${results.join(',')}]}`)
    },
  )

  /** Items that are wrong are answered as such, and spoil no other. */
  async function store(items: readonly unknown[], origin: RequestOrigin): Promise<Stored[]> {
    const read = await Promise.all(
      items.map(async (item) => {
        try {
          return await toNewJob(parseItem(item), origin, deps)
        } catch (error) {
          return toFoliotError(error)
        }
      }),
    )
    const jobs = read.filter((item): item is NewJob => !(item instanceof FoliotError))
    const enqueued = (await enqueueMany(redis, jobs, disk)).values()
    return read.map((item) => {
      const stored = item instanceof FoliotError ? item : (enqueued.next().value as Enqueued | Error)
      return stored instanceof Error ? toFoliotError(stored) : stored
    })
  }
}

type Stored = Enqueued | FoliotError

const waitsForDisk = (item: unknown): boolean => (item as Partial<wire.JobRequest> | null)?.durability === 'fsync'

function toResult(stored: Stored) {
  if (stored instanceof FoliotError) return { status: stored.status, error: toProblem(stored) }
  const { job, replayed, deduplicated } = stored
  return {
    status: replayed || deduplicated ? 200 : 202,
    job,
    ...(replayed && { replayed }),
    ...(deduplicated && { deduplicated }),
  }
}

/** Sends JSON that is text already. */
const sendJson = (reply: FastifyReply, status: number, text: string): FastifyReply =>
  reply.code(status).type('application/json').send(text)

function parseItem(item: unknown): wire.JobRequest {
  const { value, errors } = validate(wire.JobRequest, item)
  if (errors) throw invalid('the job is not as expected', errors)
  return value
}

const originOf = ({ raw }: { raw: IncomingMessage }) => ({ tenant: TENANT, traceparent: traceContextOf(raw.headers) })
