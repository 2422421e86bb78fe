/** What a key may do, as `@foliot/access` says it. */
export type AccessScope = 'enqueue' | 'read' | 'operate' | 'admin'

/** What a tenant may do at most. What is left out has no limit. */
export interface TenantLimits {
  enqueueRate?: { max: number; perMs: number }
  maxDepth?: number
}

export function toLimits(row: { max: number | null; perMs: number | null; maxDepth: number | null }): TenantLimits {
  const { max, perMs, maxDepth } = row
  return {
    ...(max !== null && perMs !== null && { enqueueRate: { max, perMs } }),
    ...(maxDepth !== null && { maxDepth }),
  }
}
