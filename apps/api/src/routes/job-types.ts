import { HISTORIES, ISOLATIONS } from '@foliot/jobs'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { json } from '../wire/answer.ts'
import { problems } from '../wire/problem.ts'

const backoff = {
  kind: z.enum(['exponential', 'linear', 'fixed', 'list']),
  baseMs: z.number(),
  factor: z.number(),
  stepMs: z.number().optional(),
  delaysMs: z.array(z.number()).optional(),
  maxMs: z.number(),
  jitter: z.enum(['full', 'equal', 'none']),
}

const retryRule = z.object({
  match: z.object({ kind: z.string().optional(), name: z.string().optional() }).describe('Empty: any error.'),
  retry: z.union([z.boolean(), z.object(backoff)]),
})

const JobType = z.object({
  name: z.string(),
  version: z.int(),
  queue: z.string(),
  description: z.string(),
  inputSchema: z.record(z.string(), z.unknown()).describe('JSON Schema 2020-12'),
  outputSchema: z.record(z.string(), z.unknown()).optional(),
  retry: z.object({
    attempts: z.int(),
    ...backoff,
    errors: z.array(retryRule).optional().describe('The first that matches an error says how it is retried.'),
  }),
  timeoutMs: z.int(),
  priority: z.int(),
  isolation: z.enum(ISOLATIONS).describe('Where its handlers run: in the worker, or in a process beside it.'),
  history: z.enum(HISTORIES).describe('What of its jobs the history keeps, where there is one.'),
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
      const items = catalog.types.map((type) => ({ isolation: 'inline', history: 'all', ...type }))
      // biome-ignore lint/suspicious/noExplicitAny: lists of a type are readonly, which the schema cannot say
      return { items: items as any, nextCursor: null }
    },
  )
}
