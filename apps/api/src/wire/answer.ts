import { z } from 'zod'

/** An answer in JSON and what it means, for a route's OpenAPI description. */
export const json = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  description,
  content: { 'application/json': { schema } },
})

/** An answer in plain text and what it means. */
export const text = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  description,
  content: { 'text/plain': { schema } },
})

/** On answers to what a tenant's limits count. */
export const rateLimitHeaders = {
  ratelimit: z.string().optional().describe('What is left of the limits of the tenant, if it has any.'),
  'ratelimit-policy': z.string().optional().describe('Those limits.'),
}
