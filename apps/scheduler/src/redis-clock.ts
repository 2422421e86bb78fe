import { type ClockReading, clockJump } from '@foliot/schedules'
import type { Logger } from '@foliot/telemetry'

/** What is no jump: the way to Redis and back takes different times. */
const TOLERANCE_MS = 1000

/**
 * The clock of Redis, which all schedulers go by: they agree on what is due, whatever the clocks of their machines show. Between
 * two readings it goes on with this process's monotonic clock.
 */
export class RedisClock {
  readonly #log: Logger
  #last: ClockReading | undefined

  constructor(log: Logger) {
    this.#log = log
  }

  /** Ms since 1970. Never before the first reading. */
  now(): number {
    if (!this.#last) throw new Error('expected the clock of Redis to have been read, and it was not')
    return this.#last.wallMs + performance.now() - this.#last.monotonicMs
  }

  /**
   * Sets it. A process that was stopped, or whose machine slept, notices here.
   *
   * @param wallMs what Redis said
   * @param askedAt and what `performance.now()` was when it was asked
   */
  set(wallMs: number, askedAt: number): void {
    const monotonicMs = (askedAt + performance.now()) / 2
    const reading = { wallMs, monotonicMs }
    const jump = this.#last && clockJump(this.#last, reading, TOLERANCE_MS)
    // An answer that was long on its way tells less than the monotonic clock does.
    const isSlow = performance.now() - askedAt > TOLERANCE_MS / 2
    if (jump?.kind === 'none' && isSlow) return
    this.#last = reading
    if (jump === undefined || jump.kind === 'none' || isSlow) return
    const what = {
      forward: 'forward: ticks between are late',
      backward: 'back: ticks that were decided are not fired again',
    }
    this.#log.warn({ jumpMs: Math.round(jump.byMs) }, `the clock of Redis, or this machine, jumped ${what[jump.kind]}`)
  }
}
