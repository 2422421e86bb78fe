/** How long what has ended stays in Redis while no history takes it. */

/**
 * How many finished jobs the end of one removes at most for their age, and as many for their number. Redis does nothing
 * else meanwhile, for about 10 µs each.
 */
export const REMOVED_AT_ONCE = 100

const DEAD_LETTER_S = 7 * 24 * 3600

/** For how long a dead letter that nobody discards can be redriven. */
export const DEAD_LETTERS_STAY_MS = DEAD_LETTER_S * 1000

/** By the set that BullMQ keeps them in. `count` bounds a burst, `age` (s) the rest; `limit` is how many one end removes. */
export const RETENTION = {
  completed: { age: 3600, count: 5000, limit: REMOVED_AT_ONCE },
  failed: { age: DEAD_LETTER_S, limit: REMOVED_AT_ONCE },
}
