import { z } from 'zod'

const RateLimit = z.strictObject({
  max: z.int().min(1).max(1_000_000_000).describe('Starts of jobs…'),
  perMs: z
    .int()
    .min(1)
    .max(24 * 60 * 60 * 1000)
    .describe('…within so many ms.'),
})

const concurrency = z.int().min(1).max(1_000_000).nullable().describe('Jobs at the same time, over all workers.')

const maxDepth = z
  .int()
  .min(1)
  .max(1_000_000_000)
  .nullable()
  .describe(
    'Jobs that may wait, for their time or their turn. With so many the next is refused with 429 `backpressure`.',
  )

const Limits = z.object({ concurrency, rateLimit: RateLimit.nullable(), maxDepth })

const someLimits = {
  concurrency: concurrency.optional(),
  rateLimit: RateLimit.nullable().optional(),
  maxDepth: maxDepth.optional(),
}

/** The part of a queue that can be changed; the limits themselves are taken as well. */
export const LimitsPatch = z
  .strictObject({ limits: z.strictObject(someLimits).optional(), ...someLimits })
  .refine((patch) => patch.limits === undefined || Object.keys(patch).length === 1, {
    path: ['limits'],
    message: 'expected the limits in `limits` or without it, got both',
  })
  .meta({ example: { limits: { concurrency: 10 } } })

export const Queue = z.object({
  name: z.string(),
  paused: z.boolean(),
  counts: z.object({
    queued: z.int(),
    running: z.int(),
    scheduled: z.int().describe('Waiting for their time: `scheduled` and `retrying`.'),
    succeeded: z
      .int()
      .describe(
        'Finished ones: `succeeded`, `cancelled` and discarded. With a history all that it ever took, and those that are in Redis.',
      ),
    failed: z.int().describe('Dead letters: `failed` and `timed_out`.'),
  }),
  oldestAgeMs: z.int().nullable().describe('How long the next job has waited; null if none waits.'),
  limits: Limits,
  truncated: z
    .boolean()
    .optional()
    .describe(
      'For keys of one tenant: whether a place holds more jobs than were looked at, so that counts may be too low.',
    ),
})

export const QueueList = z.object({ items: z.array(Queue), nextCursor: z.null() })

z.globalRegistry.add(Queue, { id: 'Queue' })
