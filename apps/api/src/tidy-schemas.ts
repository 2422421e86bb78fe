/**
 * Takes out of an OpenAPI document what the generator put in and no reader needs: bounds that only say "fits a double",
 * patterns beside a format that says the same, components that nothing refers to.
 */
export function tidySchemas<Document extends object>(document: Document): Document {
  const tidy = JSON.parse(JSON.stringify(document), withoutNoise) as Document & Components
  const { schemas } = tidy.components ?? {}
  for (let unused = findUnused(tidy); schemas && unused.length > 0; unused = findUnused(tidy)) {
    for (const name of unused) delete schemas[name]
  }
  return tidy
}

interface Components {
  components?: { schemas?: Record<string, object> }
}

const withoutNoise = (key: string, value: unknown): unknown => {
  if (key === 'minimum' && value === Number.MIN_SAFE_INTEGER) return undefined
  if (key === 'maximum' && value === Number.MAX_SAFE_INTEGER) return undefined
  if (typeof value !== 'object' || value === null || !('format' in value) || !('pattern' in value)) return value
  const { pattern: _, ...rest } = value
  return rest
}

const REFERENCE = /"#\/components\/schemas\/([^"]+)"/g

function findUnused(document: Components): string[] {
  const used = new Set(Array.from(JSON.stringify(document).matchAll(REFERENCE), ([, name]) => name))
  return Object.keys(document.components?.schemas ?? {}).filter((name) => !used.has(name))
}
