import swagger from '@fastify/swagger'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import type { Api } from './api.ts'
import { tidySchemas } from './tidy-schemas.ts'

/** Makes the OpenAPI 3.1 document out of the routes that follow. `app.swagger()` gives it. */
export async function describeApi(app: Api): Promise<void> {
  const toComponents = createJsonSchemaTransformObject({})
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Foliot',
        version: '1',
        description: 'Queue-backed jobs: enqueue, watch, repair. Errors are `application/problem+json` (RFC 9457).',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      security: [{ key: [] }],
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
      tags: [
        { name: 'jobs', description: 'Have work done, and know what became of it.' },
        { name: 'dead letters', description: 'Jobs that failed for good: find, redrive, discard.' },
        { name: 'schedules', description: 'Have work done again and again, and know what became of each time.' },
        { name: 'queues', description: 'Where jobs wait: counts, limits, pause.' },
        { name: 'catalog', description: 'What can be run, and who runs it.' },
        { name: 'access', description: 'Who may do what: keys, and what tenants may do at most.' },
        { name: 'audit', description: 'Who changed what.' },
        { name: 'status', description: 'Whether the api is well.' },
      ],
    },
    transform: createJsonSchemaTransform({}),
    transformObject: (document) => tidySchemas(toComponents(document)),
  })
}
