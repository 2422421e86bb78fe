import { truncate } from './truncate.ts'

/** What one option takes. `expected` completes "expected `x` to be …". */
export interface Option {
  readonly expected: string
  readonly takes: (value: unknown) => boolean
}

export const oneOf = (...values: readonly unknown[]): Option => ({
  expected: `one of ${values.join(', ')}`,
  takes: (value) => values.includes(value),
})

export const integer = (min: number, max: number): Option => ({
  expected: `an integer from ${min} to ${max}`,
  takes: (value) => Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max,
})

/** As much of a wrong value as a message needs, in bytes. */
const SHOWN_MAX_BYTES = 200

/**
 * What is wrong with the options that a caller gave, each looked at alone; undefined if nothing is. Takes anything.
 *
 * @param path how the caller would write it: `retry.errors[0]`.
 * @param required the names of those that may not be left out.
 */
export function findWrongOption(
  path: string,
  given: unknown,
  known: Readonly<Record<string, Option>>,
  required: readonly string[] = [],
): string | undefined {
  if (!isObject(given)) return `expected \`${path}\` to be an object, got ${show(given)}`
  for (const name of new Set([...required, ...Object.keys(given)])) {
    const option = Object.hasOwn(known, name) ? known[name] : undefined
    if (!option) return `unknown option \`${path}.${name}\`; known are ${Object.keys(known).join(', ')}`
    const value = given[name]
    if (!option.takes(value)) return `expected \`${path}.${name}\` to be ${option.expected}, got ${show(value)}`
  }
  return undefined
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function show(value: unknown): string {
  if (typeof value === 'string') return truncate(JSON.stringify(value), SHOWN_MAX_BYTES)
  if (Array.isArray(value)) return truncate(`[${value.map(show).join(', ')}]`, SHOWN_MAX_BYTES)
  return isObject(value) ? 'an object' : String(value)
}
