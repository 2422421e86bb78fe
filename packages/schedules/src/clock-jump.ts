/** What both clocks of a process showed at one moment, in milliseconds. */
export interface ClockReading {
  /** Never set, counted from anywhere: `performance.now()`. */
  readonly monotonicMs: number
  /** Since 1970, and set by people and by time servers: `Date.now()`. */
  readonly wallMs: number
}

/**
 * How the wall clock went against the monotonic one. A machine that was suspended looks as if its clock was set forward,
 * since its monotonic clock stood still. After `forward` the ticks between are missed; after `backward` those that fired
 * must not fire again.
 */
export interface ClockJump {
  readonly kind: 'none' | 'forward' | 'backward'
  /** How much further the wall clock went; negative if it went back. */
  readonly byMs: number
}

/** @param toleranceMs what is no jump yet: clocks are read one after the other, and time servers slew them a little. */
export function clockJump(before: ClockReading, now: ClockReading, toleranceMs: number): ClockJump {
  const byMs = now.wallMs - before.wallMs - (now.monotonicMs - before.monotonicMs)
  if (Math.abs(byMs) <= toleranceMs) return { kind: 'none', byMs }
  return { kind: byMs > 0 ? 'forward' : 'backward', byMs }
}
