import type { FieldError } from '@foliot/jobs'
import type { FastifySchemaCompiler } from 'fastify'
import type { z } from 'zod'
import { invalid } from './problem.ts'

/** Checks parts of a request against the Zod schemas of its route. */
export const compileValidator: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart = 'request' }) => {
  const part = PARTS[httpPart] ?? httpPart
  return (data: unknown) => {
    const result = schema.safeParse(data)
    if (result.success) return { value: result.data }
    return { error: invalid(`the ${part} is not as expected`, fieldErrorsOf(result.error.issues)) }
  }
}

const PARTS: Record<string, string> = { querystring: 'query string', params: 'path' }

/** What Zod found, as places in the request. */
export const fieldErrorsOf = (issues: readonly z.core.$ZodIssue[]): FieldError[] =>
  issues.flatMap(explain).map(({ path, message }) => ({ path: pointerTo(path), message }))

interface Found {
  path: PropertyKey[]
  message: string
}

/** Zod says no more of a union than that nothing fits; what is wrong is what the likeliest of its members found. */
function explain(issue: z.core.$ZodIssue): Found[] {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue]
  const members = issue.errors.map((issues) => issues.flatMap(explain))
  const [likeliest = []] = members.toSorted((a, b) => depthOf(b) - depthOf(a) || a.length - b.length)
  if (depthOf(likeliest) > 0) return likeliest.map(({ path, message }) => ({ path: [...issue.path, ...path], message }))
  const messages = members.flatMap((found) => found[0]?.message ?? [])
  return [{ path: issue.path, message: [...new Set(messages)].join(', or ') }]
}

/** How far into the value a member of a union got. */
const depthOf = (found: readonly Found[]): number => Math.max(0, ...found.map(({ path }) => path.length))

/** A JSON Pointer (RFC 6901). The whole is written as `/`. */
const pointerTo = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('') || '/'
