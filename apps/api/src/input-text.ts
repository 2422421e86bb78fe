import { FoliotError, LIMITS } from '@foliot/jobs'
import { invalid } from './problem.ts'

/** Deeper values overflow the stack of whoever writes them as JSON. */
const MAX_DEPTH = 500

/**
 * The input as JSON text, which is what is stored.
 *
 * @throws FoliotError `payload_too_large`, or `validation_failed` for what cannot be stored as it is.
 */
export function toInputText(input: unknown): string {
  const text = stringify(input)
  // A UTF-16 unit takes at most three bytes, so short text needs no count.
  const bytes = text.length * 3 <= LIMITS.inputBytes ? 0 : Buffer.byteLength(text)
  if (bytes > LIMITS.inputBytes) {
    const message = `expected an input of at most ${LIMITS.inputBytes} bytes, got ${bytes}`
    throw new FoliotError('payload_too_large', message, { hint: 'store the data elsewhere and send where it is' })
  }
  if (text.length >= 2 * MAX_DEPTH && depthOf(text) > MAX_DEPTH) throw tooDeep()
  if (text.includes('null')) assertFinite(input)
  return text
}

function stringify(input: unknown): string {
  try {
    return JSON.stringify(input)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    // It ran out of stack.
    throw tooDeep()
  }
}

const tooDeep = (): FoliotError =>
  invalid('the input cannot be stored', [
    { path: '/input', message: `expected at most ${MAX_DEPTH} levels of nesting, got more` },
  ])

/** A number beyond what a double holds, such as 1e999, is read as Infinity, which would be stored as null. */
function assertFinite(value: unknown, path = '/input'): void {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw invalid('the input cannot be stored', [
      { path, message: 'expected a number below 1.8e308, got a larger one' },
    ])
  }
  if (typeof value !== 'object' || value === null) return
  for (const [key, item] of Object.entries(value)) assertFinite(item, `${path}/${key}`)
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
