import { listDeadLetters, type Operation } from '@foliot/queue'
import type { Api, ApiDeps } from '../api.ts'
import { toFilter } from '../job-filter.ts'
import { readCursor, writeCursor } from '../list-cursor.ts'
import { reasonOf } from '../move-reason.ts'
import { json } from '../wire/answer.ts'
import { JobList, ListDeadLetters } from '../wire/list.ts'
import { Discard, Operation as OperationAnswer, Redrive } from '../wire/operation.ts'
import { BODY_PROBLEMS, problems } from '../wire/problem.ts'

const tags = ['dead letters']

const MOVES = {
  redrive: { summary: 'Put dead letters back into their queues', body: Redrive },
  discard: { summary: 'Put dead letters aside for good', body: Discard },
} satisfies Record<Exclude<Operation['kind'], 'backfill'>, object>

export function deadLetterRoutes(app: Api, { redis, catalog, operations }: ApiDeps): void {
  app.get(
    '/v1/dead-letters',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listDeadLetters',
        summary: 'List dead letters',
        description: 'Jobs that are `failed` or `timed_out` and not discarded, by when they died, the newest first.',
        tags,
        querystring: ListDeadLetters,
        response: { 200: json('One page.', JobList), ...problems('not_found') },
      },
    },
    async ({ query, caller }) => {
      const after = readCursor(query)
      const { items, next } = await listDeadLetters(redis, await toFilter(query, catalog, caller), query.limit, after)
      return { items, nextCursor: writeCursor(query, next) }
    },
  )

  for (const kind of ['redrive', 'discard'] as const) {
    const { summary, body } = MOVES[kind]
    app.post(
      `/v1/dead-letters/${kind}`,
      {
        config: { scope: 'operate', audit: { action: `dead_letters.${kind}`, asked: ({ body }) => body } },
        schema: {
          operationId: `${kind}DeadLetters`,
          summary,
          description:
            'Answers at once with an operation; `Location` is where its progress can be read. It moves what is dead by now, ' +
            'and goes on if the process that drives it dies.',
          tags,
          body,
          response: { 202: json('It has begun.', OperationAnswer), ...problems(...BODY_PROBLEMS, 'not_found') },
        },
      },
      async (request, reply) => {
        const { filter: asked, ...how } = request.body
        const filter = await toFilter(asked, catalog, request.caller)
        request.audit.target.tenant = filter.tenant ?? null
        const { operation } = await operations.begin({ kind, filter, ...how, reason: reasonOf(request) })
        request.audit.target.id = operation.id
        request.audit.after = { state: operation.state }
        reply.code(202).header('location', `/v1/operations/${operation.id}`)
        return operation
      },
    )
  }
}
