import { groupErrors } from '@foliot/queue'
import type { Api, ApiDeps } from '../api.ts'
import { toFilter } from '../job-filter.ts'
import { json } from '../wire/answer.ts'
import { ErrorGroupList, ListErrors } from '../wire/error-group.ts'
import { problems } from '../wire/problem.ts'

export function errorRoutes(app: Api, { redis, catalog }: ApiDeps): void {
  app.get(
    '/v1/errors',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listErrors',
        summary: 'List what went wrong, each kind of failure once',
        description: 'The dead letters that there are now, grouped by `error.fingerprint`.',
        tags: ['dead letters'],
        querystring: ListErrors,
        response: { 200: json('The groups.', ErrorGroupList), ...problems('not_found') },
      },
    },
    async ({ query }) => {
      const { groups, truncated } = await groupErrors(redis, await toFilter(query, catalog))
      return { items: groups, nextCursor: null, truncated }
    },
  )
}
