import { FoliotError } from '@foliot/jobs'
import { type Enqueued, enqueueMany, type NewJob, QuotaReached } from '@foliot/queue'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { askLeave, refusalFor } from '../enqueue-quota.ts'
import { jobText } from '../job-answers.ts'
import { originOf, type RequestOrigin, toNewJob } from '../job-requests.ts'
import { invalid, retryAfterOf, toFoliotError, toProblem } from '../problem.ts'
import { sentInputs } from '../sent-inputs.ts'
import { validate } from '../validation.ts'
import { json, rateLimitHeaders } from '../wire/answer.ts'
import { BatchRequest, JobRequest } from '../wire/job.ts'
import { BatchResults, BODY_PROBLEMS, problems } from '../wire/problem.ts'

const BATCH_BODY_BYTES = 8 * 1024 * 1024

/**
 * A batch is read, stored and answered part by part: what is made of a thousand jobs at once would live long enough to
 * cost the garbage collector more than all the rest.
 */
const STORED_AT_ONCE = 200

export function enqueueBatchRoutes(app: Api, deps: ApiDeps): void {
  app.post(
    '/v1/jobs/batch',
    {
      bodyLimit: BATCH_BODY_BYTES,
      config: { scope: 'enqueue', audit: false },
      schema: {
        operationId: 'enqueueJobs',
        summary: 'Have up to 1000 jobs done',
        description: 'Each job succeeds or fails for itself; `results` are in the order of `jobs`.',
        tags: ['jobs'],
        body: BatchRequest,
        response: {
          207: {
            ...json('What became of each job, in their order.', BatchResults),
            headers: {
              ...rateLimitHeaders,
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
      const sent = { jobs: request.body.jobs, inputTexts: sentInputs(request.bodyBytes) }
      const { results, retryAfter, limits } = await enqueueParts(sent, request, deps).catch((error: unknown) => {
        throw refusalFor(request.caller, error)
      })
      reply.headers(limits)
      if (retryAfter > 0) reply.header('retry-after', retryAfter)
      await sendJson(reply as FastifyReply, 207, `{"results":[${results.join(',')}]}`)
    },
  )
}

interface SentBatch {
  jobs: readonly unknown[]
  /** The input of each job as it stands in the body, in their order. */
  inputTexts: Iterator<string>
}

interface BatchAnswer {
  /** What became of each job, as JSON text. */
  results: string[]
  /** In s, if jobs were refused that can be sent again; else 0. */
  retryAfter: number
  /** What is left of the limits of the tenant. */
  limits: Record<string, string>
}

/** @throws FoliotError `unavailable` if Redis was away and nothing was stored. */
async function enqueueParts(
  { jobs, inputTexts }: SentBatch,
  { raw, caller }: FastifyRequest,
  deps: ApiDeps,
): Promise<BatchAnswer> {
  const origin = originOf(raw, caller)
  const results: string[] = []
  let count = 0
  let retryAfter = 0
  let limits: Record<string, string> = {}
  let unavailable: FoliotError | undefined
  // Each part would wait for the disk by itself.
  const atOnce = jobs.some(waitsForDisk) ? jobs.length : STORED_AT_ONCE
  for (let from = 0; from < jobs.length; from += atOnce) {
    const part = { jobs: jobs.slice(from, from + atOnce), inputTexts }
    const stored = await store(part, origin, deps)
    limits = stored.limits
    for (const item of stored.items) {
      if (item instanceof FoliotError) {
        if (item.code === 'unavailable') unavailable = item
        retryAfter = Math.max(retryAfter, retryAfterOf(item) ?? 0)
      } else count++
      results.push(resultText(item instanceof FoliotError ? refusalFor(caller, item) : item))
    }
  }
  // With Redis away there is nothing to tell item by item: the batch as a whole is to be sent again.
  if (unavailable && count === 0) throw unavailable
  return { results, retryAfter, limits }
}

type Stored = Enqueued | FoliotError

/** Items that are wrong are answered as such, and spoil no other. */
async function store(
  { jobs: sent, inputTexts }: SentBatch,
  origin: RequestOrigin,
  deps: ApiDeps,
): Promise<{ items: Stored[]; limits: Record<string, string> }> {
  const read = await Promise.all(
    sent.map(async (item) => {
      // Before the first wait: the next item takes the next one.
      const inputText = inputTexts.next().value as string
      try {
        return await toNewJob({ request: parseItem(item), inputText }, origin, deps)
      } catch (error) {
        return toFoliotError(error)
      }
    }),
  )
  const jobs = read.filter((item): item is NewJob => !(item instanceof FoliotError))
  const leave = await askLeave(deps, origin.tenant, jobs.length)
  const refused = jobs.slice(leave.granted).map(() => leave.refusal())
  const answers = await enqueueMany(deps.redis, jobs.slice(0, leave.granted), deps.disk)
  await leave.giveBack(answers.filter((answer) => answer instanceof Error).length)
  const enqueued = [...answers, ...refused].values()
  const items = await Promise.all(
    read.map(async (item) => {
      const stored = item instanceof FoliotError ? item : (enqueued.next().value as Enqueued | Error)
      if (stored instanceof Error) return toFoliotError(stored)
      return stored.fromRecord ? { ...stored, job: await deps.jobs.recall(stored) } : stored
    }),
  )
  const opens = items.flatMap((item) => (item instanceof FoliotError ? openOf(item) : (item.open ?? [])))
  return { items, limits: leave.headers(opens.at(-1)) }
}

const openOf = (error: FoliotError): number | [] => (error instanceof QuotaReached ? error.open : [])

const waitsForDisk = (item: unknown): boolean => (item as Partial<JobRequest> | null)?.durability === 'fsync'

/** What became of one job, as JSON. */
function resultText(stored: Stored): string {
  if (stored instanceof FoliotError) return JSON.stringify({ status: stored.status, error: toProblem(stored) })
  const { job, replayed, deduplicated } = stored
  const status = replayed || deduplicated ? 200 : 202
  const flags = `${replayed ? ',"replayed":true' : ''}${deduplicated ? ',"deduplicated":true' : ''}`
  return `{"status":${status},"job":${jobText(job)}${flags}}`
}

/** Sends JSON that is text already. */
const sendJson = (reply: FastifyReply, status: number, text: string): FastifyReply =>
  reply.code(status).type('application/json').send(text)

function parseItem(item: unknown): JobRequest {
  const { value, errors } = validate(JobRequest, item)
  if (errors) throw invalid('the job is not as expected', errors)
  return value
}
