const SECOND = 1000
const DAY = 24 * 60 * 60 * SECOND

/** What holds unless a call says otherwise, in milliseconds. */
export const RUN_ONCE_DEFAULTS = Object.freeze({
  leaseMs: 60 * SECOND,
  retentionMs: DAY,
})

/** Bounds of every store. Lengths are of UTF-16 units; what is beyond a bound is refused, never cut. */
export const RUN_ONCE_LIMITS = Object.freeze({
  tenantLength: 256,
  /** Room for whatever `keyOf` makes. */
  keyLength: 4096,
  ownerLength: 256,
  /** A result, or an error, in bytes of JSON as UTF-8. */
  jsonBytes: 64 * 1024,
  leaseMs: DAY,
  retentionMs: 30 * DAY,
})
