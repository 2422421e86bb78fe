import { GROUP_LIMIT, groupErrors } from '@foliot/queue'
import type { Api, ApiDeps } from '../api.ts'
import { toFilter } from '../job-filter.ts'
import { json } from '../wire/answer.ts'
import { ErrorGroupList, ListErrors } from '../wire/error-group.ts'
import { problems } from '../wire/problem.ts'

export function errorRoutes(app: Api, { redis, catalog, history }: ApiDeps): void {
  app.get(
    '/v1/errors',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listErrors',
        summary: 'List what went wrong, each kind of failure once',
        description:
          'Dead letters, grouped by `error.fingerprint`: with a history all that it keeps, else those that there are now.',
        tags: ['dead letters'],
        querystring: ListErrors,
        response: { 200: json('The groups.', ErrorGroupList), ...problems('not_found') },
      },
    },
    async ({ query }) => {
      const filter = await toFilter(query, catalog)
      const { label, ids: _, ...rest } = filter
      const { groups, truncated } = history
        ? await history.groupErrors({ ...rest, deadLetters: true, ...(label && { labels: [label] }) }, GROUP_LIMIT)
        : await groupErrors(redis, filter)
      return { items: groups, nextCursor: null, truncated }
    },
  )
}
