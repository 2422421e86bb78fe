import { addAbortSignal, Readable } from 'node:stream'
import type { AuditFilter } from '@foliot/jobs'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import type { AuditLog, AuditPage } from '../audit/audit-log.ts'
import { readCursor, writeCursor } from '../list-cursor.ts'
import { invalid } from '../problem.ts'
import { json } from '../wire/answer.ts'
import { AUDIT_LIMIT_DEFAULT, AuditList, type AuditQuery, ListAudit } from '../wire/audit.ts'
import { problems } from '../wire/problem.ts'

const JSON_LINES = 'application/jsonl'
/** The older name of the same. */
const ND_JSON = 'application/x-ndjson'

/** How many entries an export reads at a time. */
const EXPORTED_AT_ONCE = 500

export function auditRoutes(app: Api, { audit, streams }: ApiDeps): void {
  app.get(
    '/v1/audit',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'listAudit',
        summary: 'List who changed what',
        description:
          'Every change that a key made or tried to make, the newest first, from the moment it is answered. Jobs that are ' +
          'enqueued are no changes. A key of a tenant sees what was done by its keys, or to what belongs to it.',
        tags: ['audit'],
        querystring: ListAudit,
        response: {
          200: {
            description: 'One page, or with `jsonl` all of them.',
            content: {
              ...json('', AuditList).content,
              [JSON_LINES]: { schema: z.string() },
              [ND_JSON]: { schema: z.string() },
            },
          },
          ...problems(),
        },
      },
    },
    async (request, reply) => {
      const { query, caller, headers, method } = request
      const type = query.format === 'json' ? undefined : linesTypeOf(query.format, headers.accept)
      const filter = filterOf(query, caller.tenant)
      reply.header('vary', 'accept')
      if (type === undefined) {
        const { items, next } = await audit.list(filter, query.limit ?? AUDIT_LIMIT_DEFAULT, readCursor(query))
        return { items, nextCursor: writeCursor(query, next) }
      }
      assertWhole(query)
      // Read before anything is answered: that the history is away is a problem, not an export that breaks off.
      const cut = streams.watch(request, reply)
      const first = await audit.list(filter, EXPORTED_AT_ONCE)
      cut.throwIfAborted()
      reply.type(`${type}; charset=utf-8`).serializer((text: unknown) => text as string)
      if (method === 'HEAD') return '' as never
      const lines = Readable.from(linesOf(audit, filter, first), { highWaterMark: 1 })
      return reply.send(addAbortSignal(cut, lines) as never)
    },
  )
}

function filterOf(query: AuditQuery, tenant: string | undefined): AuditFilter {
  const { action, actor, target, outcome, from, to } = query
  return {
    action,
    actor,
    target,
    outcome,
    tenants: [query.tenant, tenant].filter((name) => name !== undefined),
    from: from === undefined ? undefined : Date.parse(from),
    to: to === undefined ? undefined : Date.parse(to),
  }
}

/** Undefined if one page of JSON is wanted. */
function linesTypeOf(format: 'jsonl' | undefined, accept = ''): string | undefined {
  const types = accept.split(',').map((range) => range.split(';', 1)[0]?.trim().toLowerCase())
  const asked = [JSON_LINES, ND_JSON].find((type) => types.includes(type))
  return asked ?? (format && JSON_LINES)
}

function assertWhole(query: AuditQuery): void {
  const parts = (['limit', 'cursor'] as const).filter((name) => query[name] !== undefined)
  if (parts.length === 0) return
  const message = 'expected none for JSON lines, which are all entries that fit'
  throw invalid(
    'the query string is not as expected',
    parts.map((name) => ({ path: `/${name}`, message })),
  )
}

/** Page by page, as fast as they are read. What goes wrong on the way cuts the answer off, so that nobody takes it for whole. */
async function* linesOf(audit: AuditLog, filter: AuditFilter, first: AuditPage): AsyncGenerator<string> {
  for (let page = first; ; ) {
    if (page.items.length > 0) yield `${page.items.map((entry) => JSON.stringify(entry)).join('\n')}\n`
    if (page.next === undefined) return
    page = await audit.list(filter, EXPORTED_AT_ONCE, page.next)
  }
}
