/** A property of any value. Undefined if there is none, or if reading it throws. */
export function readProperty(value: unknown, key: string): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined
  try {
    return (value as Record<string, unknown>)[key]
  } catch {
    // A getter or proxy that throws tells nothing; the rest of the value may.
    return undefined
  }
}

/** The same for text: undefined unless it is a string that is not empty. */
export function readText(value: unknown, key: string): string | undefined {
  const text = readProperty(value, key)
  return typeof text === 'string' && text !== '' ? text : undefined
}
