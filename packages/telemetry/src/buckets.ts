/** Upper bounds of histogram buckets for work, in seconds: 5 ms to 10 min. */
export const JOB_SECONDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600,
]

/** For how late ticks are, in seconds: 1 ms to an hour. */
export const LATENESS_BUCKETS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600,
]

/** For requests, in seconds: 1 ms to 60 s, the longest that a call waits. */
export const HTTP_SECONDS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
]
