import swaggerUi from '@fastify/swagger-ui'
import type { Api } from './api.ts'

const VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1">'

/** The reference page at `/docs`, made from the OpenAPI document. It tries calls with the session of whoever looks. */
export async function docsPage(app: Api): Promise<void> {
  await app.register(async (scope) => {
    scope.addHook('onSend', async (_request, reply, payload) => withViewport(reply.getHeader('content-type'), payload))
    await scope.register(swaggerUi, {
      routePrefix: '/docs',
      theme: { title: 'Foliot API' },
      uiConfig: { layout: 'BaseLayout', deepLinking: true, docExpansion: 'list', tryItOutEnabled: false },
    })
  })
}

/** The page of swagger-ui has none, and no setting for it: telephones would show it as wide as a desk. */
function withViewport(type: unknown, payload: unknown): unknown {
  if (typeof payload !== 'string' || !String(type).startsWith('text/html')) return payload
  return payload.replace('<head>', `<head>\n      ${VIEWPORT}`)
}
