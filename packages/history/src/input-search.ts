/** Deeper inputs are kept, but not found by what they hold: PostgreSQL refuses to read some of them at all. */
const DEPTH = 100

/** Whether it is JSON, so that it may stand within other JSON. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

// Escapes of NUL and of surrogates, which jsonb refuses alone, and exponents that its numbers may not reach.
const SUSPICIOUS = /\\u(?:0000|d[89a-f])|\d[eE][+-]?\d{3}/i

/** JSON as jsonb takes it, for searching alone. Null if it is too deep. */
export function inputForSearch(text: string): string | null {
  if (depthOf(text) > DEPTH) return null
  if (!SUSPICIOUS.test(text) && text.isWellFormed()) return text
  try {
    // Numbers become those of JavaScript: what is beyond them is lost to searching.
    return JSON.stringify(JSON.parse(text), (_, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).map(([key, held]) => [plainText(key), held]))
        : typeof value === 'string'
          ? plainText(value)
          : value,
    )
  } catch {
    return null
  }
}

/** Text as it stands in the copy for searching, and as a search has to ask for it. */
export const plainText = (text: string): string => text.toWellFormed().replaceAll('\0', '\uFFFD')

/** How deep arrays and objects stand in each other, in text that is JSON. */
function depthOf(json: string): number {
  let depth = 0
  let deepest = 0
  let isInText = false
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i)
    if (isInText) {
      if (code === BACKSLASH) i++
      else if (code === QUOTE) isInText = false
    } else if (code === QUOTE) isInText = true
    else if (code === OPEN_LIST || code === OPEN_OBJECT) deepest = Math.max(deepest, ++depth)
    else if (code === CLOSE_LIST || code === CLOSE_OBJECT) depth--
  }
  return deepest
}

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d]
