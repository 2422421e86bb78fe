import { type FieldError, FoliotError, LIMITS } from '@foliot/jobs'
import { invalid } from './problem.ts'
import { pointerTo } from './validation.ts'

/** Deeper values overflow the stack of whoever reads or writes them as JSON. */
const MAX_DEPTH = 500

/**
 * Checks that an input can be stored as it was sent.
 *
 * @param text `input` as JSON
 * @throws FoliotError `payload_too_large`, or `validation_failed` for what no handler would get as it is.
 */
export function assertStorable(input: unknown, text: string): void {
  // A UTF-16 unit takes at most three bytes, so short text needs no count.
  const bytes = text.length * 3 <= LIMITS.inputBytes ? 0 : Buffer.byteLength(text)
  if (bytes > LIMITS.inputBytes) {
    const message = `expected an input of at most ${LIMITS.inputBytes} bytes, got ${bytes}`
    throw new FoliotError('payload_too_large', message, { hint: 'store the data elsewhere and send where it is' })
  }
  if (text.length >= 2 * MAX_DEPTH && depthOf(text) > MAX_DEPTH) {
    throw unstorable({ path: '/input', message: `expected at most ${MAX_DEPTH} levels of nesting, got more` })
  }
  const path = pathToInfinity(input)
  if (path) {
    const message = 'expected a number below 1.8e308, got a larger one'
    throw unstorable({ path: pointerTo(['input', ...path]), message })
  }
}

const unstorable = (error: FieldError): FoliotError => invalid('the input cannot be stored', [error])

/** A number beyond what a double holds, such as 1e999, is read as Infinity. */
function pathToInfinity(value: unknown): PropertyKey[] | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : []
  if (typeof value !== 'object' || value === null) return undefined
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const path = pathToInfinity(value[i])
      if (path) return [i, ...path]
    }
    return undefined
  }
  for (const key of Object.keys(value)) {
    const path = pathToInfinity((value as Record<string, unknown>)[key])
    if (path) return [key, ...path]
  }
  return undefined
}

/** How deep JSON text nests. */
function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (quoted) {
      if (c === '\\') i++
      else if (c === '"') quoted = false
    } else if (c === '"') quoted = true
    else if (c === '{' || c === '[') deepest = Math.max(deepest, ++depth)
    else if (c === '}' || c === ']') depth--
  }
  return deepest
}
