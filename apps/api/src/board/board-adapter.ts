import { AsyncLocalStorage } from 'node:async_hooks'
import type { AppControllerRoute, AppViewRoute, UIConfig } from '@bull-board/api/typings/app'
import { FastifyAdapter } from '@bull-board/fastify'
import { type BoardHandler, OUR_HANDLERS, refusal } from './board-handlers.ts'
import { BoardQueue } from './board-queue.ts'
import type { BoardVisit } from './board-visit.ts'

/** What the board's own handlers may change: each of these ends in a move of `BoardQueue`. Any other change is refused. */
const CHANGES = new Set([
  '/api/queues/pause',
  '/api/queues/resume',
  '/api/queues/:queueName/pause',
  '/api/queues/:queueName/resume',
  '/api/queues/:queueName/:jobId/retry',
  '/api/queues/:queueName/:jobId/promote',
])

/**
 * Bull Board for Fastify, which serves the board's files and calls. What its calls do is decided here, and its page is
 * left to us. Filled by `createBullBoard`.
 */
export class BoardAdapter extends FastifyAdapter {
  /** Has to be entered around each call, for its handlers are given no request of Fastify's. */
  readonly visits = new AsyncLocalStorage<BoardVisit>()
  /** The folder of the page's template. */
  viewsPath = ''
  /** What the page tells the board's scripts. */
  settings: UIConfig = {}
  /** The paths that show the page. */
  pagePaths: string[] = []

  override setViewsPath(path: string): FastifyAdapter {
    this.viewsPath = path
    return super.setViewsPath(path)
  }

  override setUIConfig(config: UIConfig): FastifyAdapter {
    this.settings = config
    return super.setUIConfig(config)
  }

  /** Registers none of them: the page is ours. */
  override setEntryRoute(entry: AppViewRoute): FastifyAdapter {
    this.pagePaths = [entry.route].flat()
    return super.setEntryRoute({ ...entry, route: [] })
  }

  override setApiRoutes(routes: AppControllerRoute[]): FastifyAdapter {
    const paths = routes.flatMap((route) => [route.route].flat().map((path) => ({ ...route, route: path })))
    return super.setApiRoutes(paths.map((route) => ({ ...route, handler: this.#inVisit(handlerOf(route)) })))
  }

  #inVisit(handle: BoardHandler): AppControllerRoute['handler'] {
    return async (request) => {
      const visit = this.visits.getStore()
      if (!visit || !request)
        throw new Error('expected a call of the board to be made during a visit, got it outside one')
      return handle(visit, request)
    }
  }
}

/** Whether a route that answers to these methods leaves everything as it is. */
export const onlyReads = (methods: string | string[]): boolean =>
  [methods].flat().every((method) => /^(get|head)$/i.test(method))

function handlerOf(route: AppControllerRoute & { route: string }): BoardHandler {
  const ours = OUR_HANDLERS[route.route]
  if (ours) return ours
  return onlyReads(route.method) || CHANGES.has(route.route) ? theirs(route) : refusal(route)
}

const theirs =
  ({ handler }: AppControllerRoute): BoardHandler =>
  async (visit, request) =>
    // What the catalog knows now: a new queue appears without a restart.
    handler({ ...request, queues: new Map(visit.queues.map((name) => [name, new BoardQueue(name, visit)])) })
