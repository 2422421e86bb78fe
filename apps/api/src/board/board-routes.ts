import { createBullBoard } from '@bull-board/api'
import type { RouteOptions } from 'fastify'
import type { Api, ApiDeps } from '../api.ts'
import { answerPageError } from '../pages/page-errors.ts'
import { BoardAdapter, onlyReads } from './board-adapter.ts'
import { answerBoardError } from './board-errors.ts'
import { boardPage } from './board-page.ts'
import { BoardVisit } from './board-visit.ts'

/** Where the board is. Its page and its calls are relative to it. */
const BASE = '/board'

/** How often an open board asks for news, in seconds. */
const POLL_EVERY_S = 5

/** Bull Board. Looking needs the scope `read`, changing something `operate`. */
export async function boardRoutes(app: Api, deps: ApiDeps): Promise<void> {
  const adapter = boardAdapter(deps)
  const page = boardPage(adapter, BASE)
  await app.register(
    async (scope) => {
      scope.addHook('onRoute', applyOurRules)
      // Right before the handler: the caller is known, and nothing in between can lose the visit.
      scope.addHook('preHandler', (request, _reply, done) => adapter.visits.run(new BoardVisit(deps, request), done))
      for (const url of adapter.pagePaths) {
        scope.get(url, async (_request, reply) => {
          // A board that could not show anything says so at once.
          await deps.redis.ping()
          return reply.header('cache-control', 'no-store').type('text/html; charset=utf-8').send(page)
        })
      }
      await scope.register(adapter.registerPlugin())
    },
    { prefix: BASE },
  )
}

/** The board's queues are made for each request, so that it is made without any. */
function boardAdapter({ keys }: ApiDeps): BoardAdapter {
  const adapter = new BoardAdapter()
  const miscLinks = [
    { text: 'API reference', url: '/docs' },
    ...(keys.size > 0 ? [{ text: 'Log out', url: '/logout' }] : []),
  ]
  const pollingInterval = { showSetting: false, forceInterval: POLL_EVERY_S }
  const uiConfig = { boardTitle: 'Foliot', hideDocsLink: true, pollingInterval, miscLinks }
  createBullBoard({ queues: [], serverAdapter: adapter, options: { uiConfig } })
  return adapter
}

/** The adapter names no scope, and answers errors without a log and without the status that they have elsewhere. */
function applyOurRules(route: RouteOptions & { routePath: string }): void {
  route.config = { ...route.config, scope: onlyReads(route.method) ? 'read' : 'operate' }
  route.errorHandler = route.routePath.startsWith('/api/') ? answerBoardError : answerPageError
}
