import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { DEFAULT_TENANT } from '@foliot/access'
import { LIMITS } from '@foliot/jobs'
import type { NewJob } from '@foliot/queue'
import { traceContextOf } from '@foliot/telemetry'
import type { ApiDeps } from './api.ts'
import { canonicalJson } from './canonical-json.ts'
import { withExactNumbers } from './exact-numbers.ts'
import { invalid } from './problem.ts'
import { validate } from './validation.ts'
import type { Viewer } from './viewer.ts'
import { IdempotencyKey, type JobRequest } from './wire/job.ts'

/** What a request is told apart by besides its body. */
export interface RequestOrigin {
  tenant: string
  /** W3C trace context of the request, or a new one. */
  traceparent: string
  /** The header `Idempotency-Key`. */
  idempotencyKey?: string | undefined
}

export const originOf = ({ headers }: IncomingMessage, { tenant = DEFAULT_TENANT }: Viewer): RequestOrigin => ({
  tenant,
  traceparent: traceContextOf(headers),
})

/** A job as a caller asked for it. */
export interface SentJob {
  request: JobRequest
  /** Its `input` as it stands in the body, which is what is stored. */
  inputText: string
}

/**
 * Turns what a caller sent into a job to store.
 *
 * @throws FoliotError `unknown_job_type`, `validation_failed`, `payload_too_large`, `durability_unavailable`, `backpressure`
 */
export async function toNewJob(
  { request, inputText }: SentJob,
  origin: RequestOrigin,
  { catalog, inputs, disk, backlog, access }: Pick<ApiDeps, 'catalog' | 'inputs' | 'disk' | 'backlog' | 'access'>,
): Promise<NewJob> {
  backlog.assertRoom()
  const type = await catalog.find(request.type)
  inputs.check(type, request.input, inputText)
  const { dedupe, durability } = request
  if (durability === 'fsync') await disk.assertAvailable()
  const maxDepth = catalog.maxDepthOf(type.queue)
  const tenantQuota = access.limitsOf(origin.tenant)?.maxDepth
  const now = Date.now()
  const runAt = runAtOf(request, now)
  const idempotencyKey = idempotencyKeyOf(request, origin.idempotencyKey)
  return {
    type: type.name,
    queue: type.queue,
    version: type.version,
    tenant: origin.tenant,
    input: request.input,
    inputText,
    maxAttempts: request.attempts ?? type.retry.attempts,
    priority: request.priority ?? type.priority,
    labels: request.labels ?? {},
    traceparent: origin.traceparent,
    redact: type.redact,
    createdAt: now,
    ...(request.timeoutMs !== undefined && { timeoutMs: request.timeoutMs }),
    ...(request.deadlineMs !== undefined && { deadlineAt: deadlineAtOf(request.deadlineMs, runAt, now) }),
    ...(runAt !== undefined && { runAt }),
    ...(idempotencyKey !== undefined && {
      idempotency: { key: idempotencyKey, fingerprint: fingerprintOf(request, inputText) },
    }),
    ...(dedupe !== undefined && { dedupe }),
    ...(maxDepth !== undefined && { maxDepth }),
    ...(tenantQuota !== undefined && { tenantQuota }),
    ...(durability === 'fsync' && { durability }),
  }
}

function runAtOf({ runAt, delayMs }: JobRequest, now: number): number | undefined {
  if (delayMs !== undefined) return delayMs === 0 ? undefined : now + delayMs
  if (runAt === undefined) return undefined
  const ms = Date.parse(runAt)
  if (ms - now <= LIMITS.runAheadMs) return ms
  throw invalid('the job lies too far ahead', [
    { path: '/runAt', message: `expected at most ten years from now, got ${runAt}` },
  ])
}

function deadlineAtOf(deadlineMs: number, runAt: number | undefined, now: number): number {
  const deadlineAt = now + deadlineMs
  if (runAt === undefined || runAt < deadlineAt) return deadlineAt
  throw invalid('the job could never run in time', [
    {
      path: '/deadlineMs',
      message: `expected more than ${runAt - now}, which is when the job may start, got ${deadlineMs}`,
    },
  ])
}

function idempotencyKeyOf({ idempotencyKey }: JobRequest, header: string | undefined): string | undefined {
  if (header === undefined) return idempotencyKey
  const key = assertIdempotencyKey(header)
  if (idempotencyKey !== undefined && key !== idempotencyKey) {
    throw invalid('the request has two idempotency keys', [
      { path: '/idempotencyKey', message: 'expected the same as in the header `Idempotency-Key`, got another one' },
    ])
  }
  return key
}

/** @throws FoliotError `validation_failed` */
export function assertIdempotencyKey(header: string): string {
  const { value: key, errors } = validate(IdempotencyKey, header)
  if (errors) throw invalid('the header `Idempotency-Key` cannot be used', errors)
  return key
}

/**
 * Of everything but the key itself: the same key with the same fingerprint is the same request. How a number is written
 * makes no difference, but two that only a double takes for one do.
 */
function fingerprintOf(request: JobRequest, inputText: string): string {
  const input = withExactNumbers(request.input, inputText)
  const text = canonicalJson({ ...request, input, idempotencyKey: undefined })
  return createHash('sha256').update(text).digest('base64url')
}
