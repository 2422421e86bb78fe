import swaggerUi from '@fastify/swagger-ui'
import type { Api } from './api.ts'

/** The reference page at `/docs`, made from the OpenAPI document. It tries calls with the session of whoever looks. */
export async function docsPage(app: Api): Promise<void> {
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    theme: { title: 'Foliot API' },
    uiConfig: { layout: 'BaseLayout', deepLinking: true, docExpansion: 'list', tryItOutEnabled: false },
  })
}
