/** What stands in the place of a value that must not be shown. */
export const REDACTED = '[redacted]'

/** A JSON value with what stands under these names replaced, at any depth. What has none of them is returned as it is. */
export function redact(value: unknown, names: ReadonlySet<string>): unknown {
  if (names.size === 0 || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => redact(item, names))
  const fields = Object.entries(value)
  return Object.fromEntries(fields.map(([name, item]) => [name, names.has(name) ? REDACTED : redact(item, names)]))
}
