import { readFindings, readWatched } from '@foliot/queue'
import type { Api, ApiDeps } from '../api.ts'
import { json } from '../wire/answer.ts'
import { problems } from '../wire/problem.ts'
import { concerns, ListWatch, ScheduleFindings, showFinding } from '../wire/watch.ts'

export function watchRoutes(app: Api, { redis }: ApiDeps): void {
  app.get(
    '/v1/watch',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'readWatch',
        summary: 'List what did not happen',
        description: 'Runs of schedules that are overdue now, since when and why. A recorder watches; see `watchedAt`.',
        tags: ['schedules'],
        querystring: ListWatch,
        response: { 200: json('All that is wrong.', ScheduleFindings), ...problems() },
      },
    },
    async ({ query, caller }) => {
      const tenant = caller.tenant ?? query.tenant
      // First when: what is found after that may be in the list already, and nothing is missing in it.
      const watched = await readWatched(redis)
      const found = [...(await readFindings(redis)).values()]
      // Of other tenants it sees none, and is told nothing of them.
      const isForeign = query.tenant !== undefined && query.tenant !== tenant
      const items = isForeign ? [] : found.filter((finding) => concerns(finding, tenant))
      items.sort((a, b) => a.since - b.since)
      return {
        items: items.map(showFinding),
        nextCursor: null,
        isComplete: !watched?.unlisted,
        watchedAt: watched ? new Date(watched.at).toISOString() : null,
      }
    },
  )
}
