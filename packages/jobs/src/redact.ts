/** What stands in the place of a value that must not be shown. */
export const REDACTED = '[redacted]'

/** A JSON value with what stands under these names replaced, at any depth. What has none of them is returned as it is. */
export function redact(value: unknown, names: ReadonlySet<string>): unknown {
  if (names.size === 0 || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => redact(item, names))
  const fields = Object.entries(value)
  return Object.fromEntries(fields.map(([name, item]) => [name, names.has(name) ? REDACTED : redact(item, names)]))
}

/** A shorter text stands in too many others by chance. */
const SECRET_LENGTH = 4

/**
 * Masks in texts, such as messages of errors, what stands under these names in a JSON value: its texts and numbers of at least
 * four characters, at any depth.
 */
export function masker(value: unknown, names: ReadonlySet<string>): (text: string) => string {
  const found = names.size === 0 ? [] : secretsOf(value, names, false)
  // Within JSON a text may be spelled otherwise.
  const secrets = [...new Set(found.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]))]
  if (secrets.length === 0) return (text) => text
  // One may hold another.
  secrets.sort((a, b) => b.length - a.length)
  return (text) => secrets.reduce((masked, secret) => masked.replaceAll(secret, REDACTED), text)
}

function secretsOf(value: unknown, names: ReadonlySet<string>, isSecret: boolean): string[] {
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value)
    return fields.flatMap(([name, item]) =>
      secretsOf(item, names, isSecret || (!Array.isArray(value) && names.has(name))),
    )
  }
  if (!isSecret || (typeof value !== 'string' && typeof value !== 'number')) return []
  const text = String(value)
  return text.length < SECRET_LENGTH ? [] : [text]
}
