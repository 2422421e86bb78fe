import { STATUSES } from '@foliot/jobs'
import { z } from 'zod'
import { Job } from './job.ts'
import { integerParam, MANY, manyOf } from './query.ts'

const LIMIT_DEFAULT = 50
const LIMIT_MAX = 200

/** What every list takes. */
export const page = {
  limit: integerParam(1, LIMIT_MAX).default(LIMIT_DEFAULT),
  cursor: z.string().max(4096).optional().describe('`nextCursor` of the page before, with the same filter.'),
}

const instant = z.iso.datetime({ offset: true })

/** From a time on, and before a time. @param what happened then */
const span = (what: 'Made' | 'Died') => ({
  from: instant.optional().describe(`${what} at this time or later.`),
  to: instant.optional().describe(`${what} before this time.`),
})

export const tenantFilter = z.string().max(64).describe('For keys of all tenants; others see their own tenant alone.')

export const labelFilter = z
  .string()
  .regex(/^[^:]+:/, 'expected `key:value`')
  .describe('`key:value`')

const jobFilter = {
  type: z.string().max(128).optional(),
  tenant: tenantFilter.optional(),
  queue: z.string().max(64).optional(),
  label: labelFilter.optional(),
  errorKind: z.string().max(64).optional(),
  fingerprint: z.string().max(96).optional().describe('`fingerprint` of the error, as `GET /v1/errors` tells it.'),
}

export const deadLetterFilter = { ...jobFilter, ...span('Died') }

interface Span {
  from?: string | undefined
  to?: string | undefined
}

/** For `refine`: a filter whose times lie in order. */
export const inOrder: [check: (span: Span) => boolean, problem: { path: string[]; message: string }] = [
  ({ from, to }) => from === undefined || to === undefined || Date.parse(from) < Date.parse(to),
  { path: ['to'], message: 'expected a time after `from`' },
]

/** What a parameter that looks into the input begins with; the path follows. */
export const INPUT_PARAM = 'input.'

const DAY_MS = 24 * 60 * 60 * 1000
const duration = integerParam(0, 365 * DAY_MS).optional()

const searchFields = {
  ...page,
  ...jobFilter,
  ...span('Made'),
  status: manyOf(z.enum(STATUSES))
    .optional()
    .meta({ description: `${MANY}: ${STATUSES.join(', ')}.` }),
  scheduleId: z.string().min(1).max(128).optional().describe('Of the schedule that made them.'),
  worker: z.string().min(1).max(128).optional().describe('That ran any of its attempts.'),
  minDurationMs: duration.describe('Of the last attempt of a job that has ended.'),
  maxDurationMs: duration,
  q: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe(
      'Words that its errors, the reasons of its attempts or its log hold, all of them: runs of letters and digits. Of a job in ' +
        'the history they are those of 16 Ki characters: errors and reasons, then the end of the log.',
    ),
}

const inputValue = z.string({ error: 'expected this parameter once' }).max(256)

export const ListJobs = z
  .object(searchFields)
  .catchall(inputValue)
  .superRefine((query, context) => {
    const unknown = Object.keys(query).filter((name) => !Object.hasOwn(searchFields, name) && !isInputParam(name))
    if (unknown.length === 0) return
    context.addIssue({ code: 'unrecognized_keys', keys: unknown, input: query, inst: z.strictObject(searchFields) })
  })
  .refine(...inOrder)
  .refine(({ minDurationMs = 0, maxDurationMs = minDurationMs }) => minDurationMs <= maxDurationMs, {
    path: ['maxDurationMs'],
    message: 'expected at least `minDurationMs`',
  })

const isInputParam = (name: string): boolean => /^input(\.[^.]+){1,16}$/.test(name) && name.length <= 256

export const ListDeadLetters = z
  .strictObject({
    ...page,
    ...deadLetterFilter,
    id: manyOf(z.string().max(64))
      .optional()
      .meta({ description: `${MANY}.` }),
  })
  .refine(...inOrder)

export const JobList = z.object({
  items: z.array(Job),
  nextCursor: z.string().nullable().describe('null on the last page.'),
})

z.globalRegistry.add(JobList, { id: 'JobList' })

export type ListQuery = z.output<typeof ListDeadLetters>
export type SearchQuery = z.output<typeof ListJobs>
