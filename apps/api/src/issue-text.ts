import { nearestName } from '@foliot/settings'
import type { z } from 'zod'

/** Zod's error map for requests: what was expected and what came. Texts that a schema gives itself win over these. */
export function issueText(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${ARTICLES[issue.expected] ?? issue.expected}, got ${show(issue.input)}`
    case 'invalid_value':
      return `expected ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.join(', ')}, got ${show(issue.input)}`
    case 'too_small':
      return `expected at least ${issue.minimum}${unitOf(issue.origin, issue.minimum)}, got ${sizeOf(issue.input)}`
    case 'too_big':
      return `expected at most ${issue.maximum}${unitOf(issue.origin, issue.maximum)}, got ${sizeOf(issue.input)}`
    case 'invalid_format':
      return `expected ${FORMATS[issue.format] ?? `text like ${issue.pattern}`}, got ${show(issue.input)}`
    case 'unrecognized_keys':
      return unknownText(issue.keys, issue.inst)
    default:
      return 'does not fit'
  }
}

const ARTICLES: Record<string, string> = {
  object: 'an object',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'an integer',
  boolean: 'true or false',
}

const FORMATS: Record<string, string> = {
  datetime: 'a time like 2026-01-31T12:00:00Z (RFC 3339)',
}

/** One that is nearly right is told what is; several are told what there is. */
function unknownText(names: readonly string[], schema: unknown): string {
  const known = Object.keys((schema as { def?: { shape?: object } } | undefined)?.def?.shape ?? {})
  const nearest = names.length === 1 ? nearestName((names[0] as string).slice(0, SHOWN), known) : undefined
  if (nearest !== undefined) return `unknown; did you mean "${nearest}"?`
  return `unknown; ${known.length === 0 ? 'nothing is expected here' : `known are ${known.join(', ')}`}`
}

/** The unit of a bound; numbers have none. */
function unitOf(origin: string, bound: number | bigint): string {
  const unit = { string: 'character', array: 'item' }[origin]
  if (unit === undefined) return ''
  return ` ${unit}${bound === 1 ? '' : 's'}`
}

/** What is compared with a bound: a number itself, or the length of anything else. */
function sizeOf(value: unknown): string {
  if (typeof value === 'string' || Array.isArray(value)) return String(value.length)
  return show(value)
}

/** As much of a wrong value as a message needs. */
const SHOWN = 64

function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  if (typeof value !== 'string') return String(value)
  return JSON.stringify(value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value)
}
