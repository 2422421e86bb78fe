import { STATUSES } from '@foliot/jobs'
import { z } from 'zod'
import { Job } from './job.ts'
import { integerParam, MANY, manyOf } from './query.ts'

const LIMIT_DEFAULT = 50
const LIMIT_MAX = 200

/** What every list takes. */
const page = {
  limit: integerParam(1, LIMIT_MAX).default(LIMIT_DEFAULT),
  cursor: z.string().max(4096).optional().describe('`nextCursor` of the page before, with the same filter.'),
}

const instant = z.iso.datetime({ offset: true })

/** From a time on, and before a time. @param what happened then */
const span = (what: 'Made' | 'Died') => ({
  from: instant.optional().describe(`${what} at this time or later.`),
  to: instant.optional().describe(`${what} before this time.`),
})

const jobFilter = {
  type: z.string().max(128).optional(),
  queue: z.string().max(64).optional(),
  label: z
    .string()
    .regex(/^[^:]+:/, 'expected `key:value`')
    .optional()
    .describe('`key:value`'),
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

export const ListJobs = z
  .strictObject({
    ...page,
    ...jobFilter,
    ...span('Made'),
    status: manyOf(z.enum(STATUSES))
      .optional()
      .meta({ description: `${MANY}: ${STATUSES.join(', ')}.` }),
  })
  .refine(...inOrder)
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
