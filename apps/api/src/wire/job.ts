import { LIMITS, PRIORITY_MAX, STATUSES } from '@foliot/jobs'
import { z } from 'zod'

const time = z.string().describe('RFC 3339, UTC')

/** A label's value and a key are shown in lists and logs, so control characters are refused. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const PRINTABLE = /^[^\u0000-\u001f\u007f]*$/

/** Halves of surrogate pairs all become the same character when text is stored: two keys would be one. */
const WELL_FORMED = /^[^\ud800-\udfff]*$/u

const printable = (text: z.ZodString) => text.regex(PRINTABLE, 'expected no control characters')

const labelKey = printable(z.string().min(1).max(LIMITS.labelKeyLength))
const labelValue = printable(z.string().max(LIMITS.labelValueLength))

// z.record() makes a new object, and leaves out of it a label that is named `__proto__`.
const labels = z
  .unknown()
  .meta({
    description: `At most ${LIMITS.labels}; returned unchanged.`,
    type: 'object',
    maxProperties: LIMITS.labels,
    propertyNames: { minLength: 1, maxLength: LIMITS.labelKeyLength, pattern: PRINTABLE.source },
    additionalProperties: { type: 'string', maxLength: LIMITS.labelValueLength, pattern: PRINTABLE.source },
  })
  .transform((value, context) => {
    for (const issue of labelIssues(value)) context.issues.push({ code: 'custom', input: value, ...issue })
    return value as Record<string, string> | undefined
  })

function labelIssues(value: unknown): { path: string[]; message: string }[] {
  if (value === undefined) return []
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [{ path: [], message: 'expected an object whose values are text' }]
  }
  const entries = Object.entries(value)
  if (entries.length > LIMITS.labels) {
    return [{ path: [], message: `expected at most ${LIMITS.labels} labels, got ${entries.length}` }]
  }
  return entries.flatMap(([key, text]) =>
    [...problemsOf(labelKey, key, 'the name of a label: '), ...problemsOf(labelValue, text)].map((message) => ({
      path: [key],
      message,
    })),
  )
}

const problemsOf = (schema: z.ZodString, value: unknown, of = ''): string[] =>
  schema.safeParse(value).error?.issues.map(({ message }) => of + message) ?? []

/** As a field and as the header. */
export const IdempotencyKey = printable(z.string().min(1).max(LIMITS.idempotencyKeyLength)).regex(
  WELL_FORMED,
  'expected no halves of surrogate pairs',
)

const Dedupe = z.strictObject({
  key: IdempotencyKey.meta({
    description: 'Told apart per tenant, queue and type.',
  }),
  ttlMs: z
    .int()
    .min(1)
    .max(LIMITS.runAheadMs)
    .optional()
    .meta({ description: 'The key is free again after so many ms, even if its job still lives.' }),
})

/** What a caller sends to have a job done. */
export const JobRequest = z
  .strictObject({
    type: z
      .string()
      .min(1)
      .max(128)
      .meta({ description: 'A job type that a worker has announced.', example: 'demo.echo' }),
    input: z.unknown().meta({ description: 'Any JSON value that fits the type’s `inputSchema`, up to 64 KiB.' }),
    runAt: z.iso
      .datetime({ offset: true })
      .optional()
      .meta({ description: 'Start no earlier: RFC 3339, at most ten years ahead. Not together with `delayMs`.' }),
    delayMs: z
      .int()
      .min(0)
      .max(LIMITS.runAheadMs)
      .optional()
      .meta({ description: 'Start no earlier than in so many ms.' }),
    priority: z.int().min(0).max(PRIORITY_MAX).optional().meta({ description: '0 (default) runs first.' }),
    idempotencyKey: IdempotencyKey.optional().meta({
      description: 'The same as the header `Idempotency-Key`. Lives 24 h, per tenant and queue.',
    }),
    dedupe: Dedupe.optional().meta({
      description:
        'One live job for each key: while it has not ended, others who ask get it instead of a new one, with 200.',
    }),
    attempts: z
      .int()
      .min(1)
      .max(LIMITS.attempts)
      .optional()
      .meta({ description: 'Overrides the type’s `retry.attempts`.' }),
    timeoutMs: z
      .int()
      .min(1)
      .max(24 * 60 * 60 * 1000)
      .optional()
      .meta({ description: 'Overrides the type’s `timeoutMs`, for each attempt.' }),
    deadlineMs: z
      .int()
      .min(1)
      .max(LIMITS.runAheadMs)
      .optional()
      .meta({ description: 'From now until the job has to have ended, all attempts and waits included.' }),
    labels: labels.optional(),
    durability: z
      .enum(['default', 'fsync'])
      .optional()
      .meta({ description: '`fsync`: answer only when the job is on the disk of Redis (7.2 or later).' }),
  })
  .refine((job) => job.input !== undefined, { path: ['input'], message: 'expected a JSON value, got nothing' })
  .refine((job) => job.runAt === undefined || job.delayMs === undefined, {
    path: ['runAt'],
    message: 'expected `runAt` or `delayMs`, got both',
  })

export type JobRequest = z.output<typeof JobRequest>

/** What the reference page offers to try: a request that works as it is with the demo's jobs. */
const EXAMPLE = { type: 'demo.echo', input: { hello: 'world' } }

const JobFailure = z.object({
  name: z.string(),
  message: z.string(),
  kind: z.string(),
  stack: z.string().optional(),
  fingerprint: z.string().optional().describe('The same for failures that are alike; see `GET /v1/errors`.'),
})

const TimelineEntry = z.object({
  at: time,
  event: z.string(),
  attempt: z.int().optional(),
  detail: z.string().optional(),
})

const JobStatus = z.enum(STATUSES)

/** A job as every route shows it. */
export const Job = z.object({
  id: z.string(),
  type: z.string(),
  version: z.int(),
  queue: z.string(),
  status: JobStatus,
  attempt: z.int().describe('How often the job was started.'),
  attemptsUsed: z.int().describe('Failures, timeouts and deaths of the process since the last redrive.'),
  maxAttempts: z.int(),
  priority: z.int(),
  progress: z.unknown(),
  input: z.unknown().describe('As it was sent, but for space.'),
  output: z.unknown().describe('As the worker stored it.'),
  error: JobFailure.nullable(),
  labels: z.record(z.string(), z.string()),
  tenant: z.string(),
  scheduleId: z.string().optional().describe('The schedule that made it.'),
  scheduledFor: time.optional().describe('The instant of its tick, as it was planned.'),
  latenessMs: z.number().optional().describe('How long after the tick was due it was made.'),
  traceId: z.string(),
  createdAt: time,
  runAt: time.optional(),
  startedAt: time.optional(),
  finishedAt: time.optional(),
  nextAttemptAt: time.optional(),
  deadlineAt: time.optional(),
  cancelRequestedAt: time.optional().describe('Somebody asked the running attempt to end.'),
  discardedAt: time.optional(),
  timeline: z.array(TimelineEntry),
  timelineLeftOut: z
    .int()
    .optional()
    .describe('How many entries are missing of what callers did: the first three and the last seventeen are there.'),
})

z.globalRegistry.add(JobRequest, { id: 'JobRequest', example: EXAMPLE })
z.globalRegistry.add(Job, { id: 'Job' })

/** Items are checked one by one: a bad one spoils no other. */
export const BatchRequest = z
  .strictObject({
    jobs: z
      .array(z.unknown())
      .min(1)
      .max(LIMITS.batchJobs)
      .meta({ items: { $ref: '#/components/schemas/JobRequestInput' } }),
  })
  .meta({ example: { jobs: [EXAMPLE, EXAMPLE] } })
