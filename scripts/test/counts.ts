/** The numbers of the last line. */
export interface Counts {
  passed: number
  failed: number
  skipped: number
}

/** What a run comes to that did not get as far as its own count. */
export const NO_RUN: Counts = { passed: 0, failed: 1, skipped: 0 }

/** Where the reporter leaves its counts for scripts/test.ts. */
export const COUNTS_FILE = 'TEST_COUNTS_FILE'

/** The counts as scripts/test.ts states them: a run that ended with an error has at least one failure. */
export function finalCounts(reported: string | undefined, exitCode: number): Counts {
  if (reported === undefined) return NO_RUN
  const counts = JSON.parse(reported) as Counts
  return counts.failed === 0 && exitCode !== 0 ? { ...counts, failed: 1 } : counts
}
