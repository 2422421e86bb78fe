import { listFindings, readWatched, type Watched } from '@foliot/queue'
import type { Api, ApiDeps } from '../api.ts'
import { readFindingCursor, writeFindingCursor } from '../schedules/finding-cursor.ts'
import { json } from '../wire/answer.ts'
import { problems } from '../wire/problem.ts'
import { ListWatch, ScheduleFindings, showFinding } from '../wire/watch.ts'

export function watchRoutes(app: Api, { redis }: ApiDeps): void {
  app.get(
    '/v1/watch',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'readWatch',
        summary: 'List what did not happen',
        description:
          'Runs of schedules that are overdue now, the oldest first, since when and why. A recorder watches; see `watchedAt`.',
        tags: ['schedules'],
        querystring: ListWatch,
        response: { 200: json('One page.', ScheduleFindings), ...problems() },
      },
    },
    async ({ query, caller }) => {
      const after = readFindingCursor(query)
      const tenant = caller.tenant ?? query.tenant
      // First when: what is found after that may be in the list already, and nothing is missing in it.
      const watched = await readWatched(redis)
      // Of other tenants it sees none, and is told nothing of them.
      const isForeign = query.tenant !== undefined && query.tenant !== tenant
      const { findings, last } = isForeign
        ? { findings: [], last: undefined }
        : await listFindings(redis, { tenant, limit: query.limit, after })
      return {
        items: findings.map(showFinding),
        nextCursor: writeFindingCursor(query, last),
        isComplete: isForeign || !hasUnlisted(watched?.unlisted, tenant),
        watchedAt: watched ? new Date(watched.at).toISOString() : null,
      }
    },
  )
}

/** Whether the list lacks findings of the tenant; undefined: of any. */
const hasUnlisted = (unlisted: Watched['unlisted'] = {}, tenant: string | undefined): boolean =>
  tenant === undefined ? Object.keys(unlisted).length > 0 : Object.hasOwn(unlisted, tenant)
