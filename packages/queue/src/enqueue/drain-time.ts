/** What `add-job.lua` says of a queue that takes no more jobs. */
interface FullQueue {
  /** Jobs that wait, for their time or their turn. */
  depth: number
  /** How many may. */
  maxDepth: number
  /** Jobs that ended in the last… */
  ended: number
  /** …so many ms. */
  spanMs: number
}

/** The bounds of the answer in seconds: a caller who comes back sooner is a load, one who comes back later is lost. */
const SOONEST = 1
const LATEST = 60

/**
 * In how many seconds the queue has room for a job again if it drains on as it did in the last seconds, from 1 to 60. A
 * queue in which nothing ended has no rate: 60.
 */
export function drainSeconds({ depth, maxDepth, ended, spanMs }: FullQueue): number {
  const seconds = Math.ceil((((depth - maxDepth + 1) / ended) * spanMs) / 1000)
  return Math.min(LATEST, Math.max(SOONEST, seconds))
}
