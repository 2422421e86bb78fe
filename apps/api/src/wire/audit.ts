import { AUDIT_OUTCOMES, ERRORS, type ErrorCode } from '@foliot/jobs'
import { z } from 'zod'
import { inOrder } from './list.ts'
import { integerParam } from './query.ts'

export const AUDIT_LIMIT_DEFAULT = 50
const LIMIT_MAX = 200

const instant = z.iso.datetime({ offset: true })

export const ListAudit = z
  .strictObject({
    limit: integerParam(1, LIMIT_MAX).optional().describe(`Default: ${AUDIT_LIMIT_DEFAULT}. Not for an export.`),
    cursor: z
      .string()
      .max(4096)
      .optional()
      .describe('`nextCursor` of the page before, with the same filter. Not for an export.'),
    action: z.string().min(1).max(64).optional().describe('As entries have it, such as `job.cancel`.'),
    actor: z.string().min(1).max(128).optional().describe('The id or the name of a key.'),
    target: z.string().min(1).max(256).optional().describe('The id of what was changed, or its kind, such as `queue`.'),
    tenant: z.string().min(1).max(128).optional().describe('To which the key or what was changed belongs.'),
    outcome: z.enum(AUDIT_OUTCOMES).optional(),
    from: instant.optional().describe('At this time or later.'),
    to: instant.optional().describe('Before this time.'),
    format: z
      .enum(['json', 'jsonl'])
      .optional()
      .describe('`jsonl`: all entries that fit, one on each line. Default: what `Accept` asks for, else `json`.'),
  })
  .refine(...inOrder)

const time = z.string().describe('RFC 3339, UTC')

const AuditEntry = z.object({
  id: z.string(),
  at: time.describe('When it was written down, before the change was made.'),
  actor: z
    .object({
      id: z.string(),
      name: z.string(),
      tenant: z.string().nullable().describe('null: a key of all tenants.'),
    })
    .describe('The key that asked.'),
  ip: z.string().describe('The other end of the connection: behind a proxy, the proxy.'),
  forwardedFor: z.string().nullable().describe('`X-Forwarded-For` as it came: only as true as who wrote it.'),
  userAgent: z.string().nullable(),
  action: z.string(),
  target: z.object({
    kind: z.string(),
    id: z.string().nullable(),
    tenant: z.string().nullable().describe('null: nobody’s, or not known.'),
  }),
  asked: z.unknown().describe('What was asked for beyond that, such as the filter of a redrive; null if nothing was.'),
  before: z.unknown().describe('How it was, in short; null if there is nothing to say.'),
  after: z.unknown().describe('How it was afterwards.'),
  reason: z.string().nullable().describe('`X-Reason`'),
  outcome: z
    .enum(AUDIT_OUTCOMES)
    .describe('`refused`: 4xx. `failed`: 5xx. `unknown`: not answered yet, or the api died before it was.'),
  status: z.int().nullable().describe('Of the HTTP answer.'),
  code: z
    .enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]])
    .nullable()
    .describe('Of the problem.'),
  endedAt: time.nullable(),
  traceId: z.string(),
})

export const AuditList = z.object({
  items: z.array(AuditEntry),
  nextCursor: z.string().nullable().describe('null on the last page.'),
})

z.globalRegistry.add(AuditEntry, { id: 'AuditEntry' })

export type AuditQuery = z.output<typeof ListAudit>
