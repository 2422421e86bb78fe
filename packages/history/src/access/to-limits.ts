import type { TenantLimits } from '@foliot/access'

/** Limits as a row has them. */
export function toLimits(row: { max: number | null; perMs: number | null; maxDepth: number | null }): TenantLimits {
  const { max, perMs, maxDepth } = row
  return {
    ...(max !== null && perMs !== null && { enqueueRate: { max, perMs } }),
    ...(maxDepth !== null && { maxDepth }),
  }
}
