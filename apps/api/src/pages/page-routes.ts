import type { Api, ApiDeps } from '../api.ts'
import { boardRoutes } from '../board/board-routes.ts'
import { docsPage } from '../docs-page.ts'
import { loginRoutes } from '../login/login-routes.ts'
import type { Sessions } from '../login/sessions.ts'
import { answerPageError } from './page-errors.ts'
import { keepToSelf } from './page-rules.ts'
import { rootRoute } from './root-route.ts'

/** What people open in a browser: login, board, reference. Nothing of it stands in the OpenAPI document. */
export async function pageRoutes(app: Api, deps: ApiDeps, sessions: Sessions): Promise<void> {
  await app.register(async (scope) => {
    const pages = scope as unknown as Api
    // Plugins name no scope for their routes.
    pages.scopeOfRoutes = 'read'
    pages.addHook('onRoute', (route) => {
      route.schema = { ...route.schema, hide: true }
    })
    pages.setErrorHandler(answerPageError)
    pages.addHook('onSend', keepToSelf)
    rootRoute(pages)
    loginRoutes(pages, deps, sessions)
    await boardRoutes(pages, deps)
    await docsPage(pages)
  })
}
