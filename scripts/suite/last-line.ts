/** The last line of every suite, which .ci/run adds up: `12 passed, 0 failed`, and `, 1 skipped` if any were. */
export function lastLine({
  passed,
  failed,
  skipped = 0,
}: {
  passed: number
  failed: number
  skipped?: number
}): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
