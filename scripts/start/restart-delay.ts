const FIRST_MS = 500
const LONGEST_MS = 10_000

/** Who has been up for this long is healthy again: its next death counts as the first. */
export const HEALTHY_AFTER_MS = 30_000

/**
 * How long to wait before a process that died is started again: half a second, doubling to ten.
 *
 * @param deaths how many there were in a row, at least 1.
 */
export function restartDelayMs(deaths: number): number {
  return Math.min(FIRST_MS * 2 ** (deaths - 1), LONGEST_MS)
}
