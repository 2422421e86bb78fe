import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { problems } from '../wire/problem.ts'

const tags = ['status']
const Status = z.object({ status: z.string() })

export function statusRoutes(app: Api, { redis, catalog, metrics }: ApiDeps): void {
  app.get(
    '/healthz',
    {
      config: { scope: 'public' },
      schema: { summary: 'Liveness: the process answers', tags, security: [], response: { 200: Status } },
    },
    async () => ({ status: 'ok' }),
  )

  app.get(
    '/readyz',
    {
      config: { scope: 'public' },
      schema: {
        summary: 'Readiness: Redis answers and a worker has announced job types',
        tags,
        security: [],
        response: { 200: Status, 503: Status },
      },
    },
    async (_request, reply) => {
      const ready = await isReady()
      reply.code(ready ? 200 : 503)
      if (!ready) reply.header('retry-after', 1)
      return { status: ready ? 'ready' : 'not ready' }
    },
  )

  app.get(
    '/metrics',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Metrics for Prometheus',
        tags,
        produces: ['text/plain'],
        response: { 200: z.string(), ...problems() },
      },
    },
    async (_request, reply) => {
      reply.type(metrics.contentType).serializer((text: unknown) => text as string)
      return metrics.text()
    },
  )

  app.get(
    '/openapi.json',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'This contract, as OpenAPI 3.1',
        tags,
        response: { 200: z.record(z.string(), z.unknown()), ...problems() },
      },
    },
    async () => app.swagger() as unknown as Record<string, unknown>,
  )

  async function isReady(): Promise<boolean> {
    try {
      await catalog.refresh()
      return catalog.types.length > 0 && redis.status === 'ready'
    } catch {
      // Why is told by the connection's own log line; the answer is a status only.
      return false
    }
  }
}
