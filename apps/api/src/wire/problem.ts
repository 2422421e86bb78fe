import { ERRORS, type ErrorCode } from '@foliot/jobs'
import { z } from 'zod'
import { Job } from './job.ts'

/** Every error's body (RFC 9457). */
const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
  detail: z.string().describe('What was expected and what came.'),
  hint: z.string().optional().describe('What to do about it.'),
  errors: z.array(z.object({ path: z.string().describe('JSON Pointer'), message: z.string() })).optional(),
})

z.globalRegistry.add(Problem, { id: 'Problem' })

/** The answers that a route may give besides its own, for its OpenAPI description. */
export function problems(...codes: ErrorCode[]): Record<number, object> {
  const always: ErrorCode[] = ['validation_failed', 'unauthorized', 'forbidden', 'unavailable']
  // Whoever shows too many wrong keys; a route of its own reasons says those instead.
  const first: ErrorCode[] = ['rate_limited']
  return Object.fromEntries(
    [...first, ...codes, ...always].map((code) => [
      ERRORS[code].status,
      { description: ERRORS[code].title, content: { 'application/problem+json': { schema: Problem } } },
    ]),
  )
}

/** What may be wrong with the body of any request that can have one, besides what it says. */
export const BODY_PROBLEMS = ['payload_too_large', 'unsupported_media_type'] as const

/** What became of each item of a batch, in its order. */
export const BatchResults = z.object({
  results: z.array(
    z.union([
      z.object({
        status: z.int().describe('202, or 200 for a job that was there before.'),
        job: Job,
        replayed: z.literal(true).optional().describe('The idempotency key was used before: the first job.'),
        deduplicated: z.literal(true).optional().describe('Another live job has the `dedupe` key: that one.'),
      }),
      z.object({ status: z.int(), error: Problem }),
    ]),
  ),
})
