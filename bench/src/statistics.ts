/** The middle one; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = ascending(values)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2
}

/**
 * The smallest value that `percent` of all values do not exceed (nearest rank).
 *
 * @param percent above 0, up to 100
 */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = ascending(values)
  return sorted[Math.ceil((percent / 100) * sorted.length) - 1] as number
}

function ascending(values: readonly number[]): Float64Array {
  if (values.length === 0) throw new RangeError('expected at least one value, got none')
  return Float64Array.from(values).sort()
}
