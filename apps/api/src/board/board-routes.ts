import { createBullBoard } from '@bull-board/api'
import { ANYONE_ID, type ApiKey } from '@foliot/access'
import { FoliotError } from '@foliot/jobs'
import type { RouteOptions } from 'fastify'
import type { Api, ApiDeps } from '../api.ts'
import { answerPageError } from '../pages/page-errors.ts'
import { BoardAdapter, onlyReads } from './board-adapter.ts'
import { auditOfBoard } from './board-audit.ts'
import { answerBoardError } from './board-errors.ts'
import { boardPage } from './board-page.ts'
import { BoardVisit } from './board-visit.ts'

/** Where the board is. Its page and its calls are relative to it. */
const BASE = '/board'

/** How often an open board asks for news, in seconds. */
const POLL_EVERY_S = 5

/** A link in the board's menu. */
interface Link {
  text: string
  url: string
}

const REFERENCE: Link = { text: 'API reference', url: '/docs' }
const LOG_OUT: Link = { text: 'Log out', url: '/logout' }

/** Bull Board. Looking needs the scope `read`, changing something `operate`. */
export async function boardRoutes(app: Api, deps: ApiDeps): Promise<void> {
  const adapter = boardAdapter()
  const { viewsPath, settings } = adapter
  const pageWith = (...miscLinks: Link[]): string =>
    boardPage({ viewsPath, settings: { ...settings, miscLinks } }, BASE)
  const pages = { anyone: pageWith(REFERENCE), caller: pageWith(REFERENCE, LOG_OUT) }
  await app.register(
    async (scope) => {
      scope.auditOfRoutes = auditOfBoard
      scope.addHook('onRoute', applyOurRules)
      scope.addHook('onRequest', async ({ caller }) => assertSeesAll(caller))
      // Right before the handler: the caller is known, and nothing in between can lose the visit.
      scope.addHook('preHandler', (request, _reply, done) => adapter.visits.run(new BoardVisit(deps, request), done))
      for (const url of adapter.pagePaths) {
        scope.get(url, async ({ caller }, reply) => {
          // A board that could not show anything says so at once.
          await deps.redis.ping()
          const page = caller.id === ANYONE_ID ? pages.anyone : pages.caller
          return reply.header('cache-control', 'no-store').type('text/html; charset=utf-8').send(page)
        })
      }
      await scope.register(adapter.registerPlugin())
    },
    { prefix: BASE },
  )
}

/** The board shows and moves the jobs of all tenants. @throws FoliotError `forbidden` */
function assertSeesAll({ name, tenant }: ApiKey): void {
  if (tenant === undefined) return
  throw new FoliotError(
    'forbidden',
    `expected a key of all tenants, whose jobs the board shows; ${name} is of ${tenant}`,
    {
      hint: 'log in with another key; /docs shows how to see the jobs of one tenant',
    },
  )
}

/** The board's queues are made for each request, so that it is made without any. */
function boardAdapter(): BoardAdapter {
  const adapter = new BoardAdapter()
  const pollingInterval = { showSetting: false, forceInterval: POLL_EVERY_S }
  const uiConfig = { boardTitle: 'Foliot', hideDocsLink: true, pollingInterval }
  createBullBoard({ queues: [], serverAdapter: adapter, options: { uiConfig } })
  return adapter
}

/** The adapter names no scope, and answers errors without a log and without the status that they have elsewhere. */
function applyOurRules(route: RouteOptions & { routePath: string }): void {
  route.config = { ...route.config, scope: onlyReads(route.method) ? 'read' : 'operate' }
  route.errorHandler = route.routePath.startsWith('/api/') ? answerBoardError : answerPageError
}
