import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { json } from '../wire/answer.ts'
import { problems } from '../wire/problem.ts'

const JobType = z.object({
  name: z.string(),
  version: z.int(),
  queue: z.string(),
  description: z.string(),
  inputSchema: z.record(z.string(), z.unknown()).describe('JSON Schema 2020-12'),
  outputSchema: z.record(z.string(), z.unknown()).optional(),
  retry: z.object({
    attempts: z.int(),
    kind: z.enum(['exponential', 'linear', 'fixed']),
    baseMs: z.number(),
    factor: z.number(),
    maxMs: z.number(),
    jitter: z.enum(['full', 'equal', 'none']),
  }),
  timeoutMs: z.int(),
  priority: z.int(),
  redact: z.array(z.string()),
})

const JobTypeList = z.object({ items: z.array(JobType), nextCursor: z.null() })

z.globalRegistry.add(JobType, { id: 'JobType' })

export function jobTypeRoutes(app: Api, { catalog }: ApiDeps): void {
  app.get(
    '/v1/job-types',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listJobTypes',
        summary: 'List job types',
        description: 'Those that workers announced in the last seven days.',
        tags: ['catalog'],
        response: { 200: json('All of them.', JobTypeList), ...problems() },
      },
    },
    async () => {
      await catalog.refresh()
      // biome-ignore lint/suspicious/noExplicitAny: a type's `redact` is readonly, which the schema cannot say
      return { items: catalog.types as any, nextCursor: null }
    },
  )
}
