import type { Api, ApiDeps } from '../api.ts'
import { toFilter } from '../job-filter.ts'
import { json } from '../wire/answer.ts'
import { ErrorGroupList, ListErrors } from '../wire/error-group.ts'
import { problems } from '../wire/problem.ts'

export function errorRoutes(app: Api, { catalog, jobs, history }: ApiDeps): void {
  app.get(
    '/v1/errors',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listErrors',
        summary: 'List what went wrong, each kind of failure once',
        description:
          'Dead letters, grouped by `error.fingerprint`. With a history also those that have left Redis, which they do after ' +
          'a week.',
        tags: ['dead letters'],
        querystring: ListErrors,
        response: { 200: json('The groups.', ErrorGroupList), ...problems('not_found') },
      },
    },
    async ({ query, caller }) => {
      const { groups, truncated } = await jobs.groupErrors(await toFilter(query, catalog, caller, history))
      return { items: groups, nextCursor: null, truncated }
    },
  )
}
