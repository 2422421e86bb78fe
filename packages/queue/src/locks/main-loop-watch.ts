/** How often the main loop says that it turns, and how often its watch looks whether it did. */
export const TICK_MS = 250

/**
 * Tells for how long another thread's event loop has not turned. It counts its own looks: were a clock read, a process
 * that is frozen as a whole and thawed would find its main loop blocked.
 */
export class MainLoopWatch {
  readonly #ticks: Int32Array
  #seen: number
  #missed = 0

  /** @param ticks one word of shared memory, counted up by the other loop every `TICK_MS` */
  constructor(ticks: Int32Array) {
    this.#ticks = ticks
    this.#seen = Atomics.load(ticks, 0)
  }

  /** To be called every `TICK_MS`. */
  look(): void {
    const ticks = Atomics.load(this.#ticks, 0)
    this.#missed = ticks === this.#seen ? this.#missed + 1 : 0
    this.#seen = ticks
  }

  /** Whether the loop has turned since the last look. */
  get hasTurned(): boolean {
    return Atomics.load(this.#ticks, 0) !== this.#seen
  }

  /** In milliseconds, as of the last look. */
  get blockedMs(): number {
    return this.#missed * TICK_MS
  }
}
