import { FoliotError } from '@foliot/jobs'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { assertAllTenants } from '../viewer.ts'
import { json, text } from '../wire/answer.ts'
import { problems } from '../wire/problem.ts'

const tags = ['status']
const Status = z.object({ status: z.string() })

export function statusRoutes(app: Api, { redis, catalog, metrics, access }: ApiDeps): void {
  app.get(
    '/healthz',
    {
      config: { scope: 'public' },
      schema: {
        operationId: 'readHealth',
        summary: 'Liveness: the process answers',
        tags,
        security: [],
        response: { 200: json('It does.', Status) },
      },
    },
    async () => ({ status: 'ok' }),
  )

  app.get(
    '/readyz',
    {
      config: { scope: 'public' },
      schema: {
        operationId: 'readReadiness',
        summary: 'Readiness: Redis answers and a worker has announced job types',
        tags,
        security: [],
        response: { 200: json('Both are so.', Status), 503: problems()[503] },
      },
    },
    async () => {
      if (!(await isReady())) throw new FoliotError('unavailable', 'not ready')
      return { status: 'ready' }
    },
  )

  app.get(
    '/metrics',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'readMetrics',
        summary: 'Metrics for Prometheus',
        tags,
        response: { 200: text('In the text format of Prometheus.', z.string()), ...problems() },
      },
    },
    async ({ caller }, reply) => {
      assertAllTenants(caller, 'metrics')
      reply.type(metrics.contentType).serializer((metrics: unknown) => metrics as string)
      return metrics.text()
    },
  )

  app.get(
    '/openapi.json',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'readContract',
        summary: 'This contract, as OpenAPI 3.1',
        tags,
        response: { 200: json('The document.', z.record(z.string(), z.unknown())), ...problems() },
      },
    },
    async () => app.swagger() as unknown as Record<string, unknown>,
  )

  async function isReady(): Promise<boolean> {
    try {
      await catalog.refresh()
      // One that cannot tell which keys are right would answer nobody.
      const knowsKeys = access.isSettled || access.hasKeys
      return catalog.types.length > 0 && redis.status === 'ready' && knowsKeys
    } catch {
      // Why is told by the connection's own log line; the answer is a status only.
      return false
    }
  }
}
