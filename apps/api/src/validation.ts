import type { FieldError } from '@foliot/jobs'
import type { FastifySchemaCompiler } from 'fastify'
import type { z } from 'zod'
import { issueText } from './issue-text.ts'
import { invalid } from './problem.ts'

/** Checks parts of a request against the Zod schemas of its route. */
export const compileValidator: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart = 'request' }) => {
  const part = PARTS[httpPart] ?? httpPart
  return (data: unknown) => {
    const { value, errors } = validate(schema, data)
    return errors ? { error: invalid(`the ${part} is not as expected`, errors) } : { value }
  }
}

const PARTS: Record<string, string> = { querystring: 'query string', params: 'path' }

type Validated<T> = { value: T; errors?: undefined } | { value?: undefined; errors: FieldError[] }

/** The value as the schema makes it, or what is wrong with it and where. */
export function validate<T>(schema: z.ZodType<T>, data: unknown): Validated<T> {
  const result = schema.safeParse(data, IN_OUR_WORDS)
  if (result.success) return { value: result.data }
  const found = result.error.issues.flatMap(explain)
  return { errors: found.map(({ path, message }) => ({ path: pointerTo(path), message })) }
}

const IN_OUR_WORDS: z.core.ParseContext<z.core.$ZodIssue> = { error: issueText }

interface Found {
  path: PropertyKey[]
  message: string
}

/**
 * Zod names the object that has unknown fields, not the fields; and says no more of a union than that nothing fits: what
 * is wrong is what the likeliest of its members found.
 */
function explain(issue: z.core.$ZodIssue): Found[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: issue.message }))
  }
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue]
  const members = issue.errors.map((issues) => issues.flatMap(explain))
  const [likeliest = []] = members.toSorted((a, b) => depthOf(b) - depthOf(a) || a.length - b.length)
  if (depthOf(likeliest) > 0) return likeliest.map(({ path, message }) => ({ path: [...issue.path, ...path], message }))
  const messages = members.flatMap((found) => found[0]?.message ?? [])
  return [{ path: issue.path, message: [...new Set(messages)].join(', or ') }]
}

/** How far into the value a member of a union got. */
const depthOf = (found: readonly Found[]): number => Math.max(0, ...found.map(({ path }) => path.length))

/** A JSON Pointer (RFC 6901); empty for the whole. */
export const pointerTo = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
