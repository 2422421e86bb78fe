import { listJobs, type Operation, readOperation, startOperation } from '@foliot/queue'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { toFilter } from '../job-filter.ts'
import { reasonHeader, reasonOf } from '../move-reason.ts'
import { json } from '../wire/answer.ts'
import { JobList, ListDeadLetters } from '../wire/list.ts'
import { DeadLetterMove, OperationState } from '../wire/operation.ts'
import { BODY_PROBLEMS, problems } from '../wire/problem.ts'

const tags = ['dead letters']

const SUMMARIES: Record<Operation['kind'], string> = {
  redrive: 'Put dead letters back into their queues',
  discard: 'Put dead letters aside for good',
}

export function deadLetterRoutes(app: Api, { redis, catalog }: ApiDeps): void {
  app.get(
    '/v1/dead-letters',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listDeadLetters',
        summary: 'List dead letters',
        description: 'Jobs that are `failed` or `timed_out` and not discarded, newest first.',
        tags,
        querystring: ListDeadLetters,
        response: { 200: json('One page.', JobList), ...problems('validation_failed', 'not_found') },
      },
    },
    async ({ query }) => {
      const filter = { ...(await toFilter(query, catalog)), deadLetters: true }
      const { items, nextCursor } = await listJobs(redis, filter, query.limit, query.cursor)
      return { items, nextCursor: nextCursor ?? null }
    },
  )

  for (const kind of ['redrive', 'discard'] as const) {
    app.post(
      `/v1/dead-letters/${kind}`,
      {
        config: { scope: 'operate' },
        schema: {
          operationId: `${kind}DeadLetters`,
          summary: SUMMARIES[kind],
          description: 'Answers at once with an operation; `Location` is where its progress can be read.',
          tags,
          headers: reasonHeader,
          body: DeadLetterMove,
          response: { 202: json('It has begun.', OperationState), ...problems(...BODY_PROBLEMS, 'not_found') },
        },
      },
      async (request, reply) => {
        const { filter, dryRun } = request.body
        const { operation } = await startOperation(redis, {
          kind,
          filter: await toFilter(filter, catalog),
          dryRun,
          reason: reasonOf(request),
        })
        reply.code(202).header('location', `/v1/operations/${operation.id}`)
        return operation
      },
    )
  }

  app.get(
    '/v1/operations/:id',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'readOperation',
        summary: 'Read a bulk operation',
        tags,
        params: z.object({ id: z.string() }),
        response: { 200: json('How far it has come.', OperationState), ...problems('not_found') },
      },
    },
    async ({ params: { id } }) => readOperation(redis, id),
  )
}
