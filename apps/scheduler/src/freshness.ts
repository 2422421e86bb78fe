/** When what a scheduler goes by was last renewed, on the clock of `performance.now()`. */
export interface Renewals {
  /** When Redis last confirmed which slots it has. */
  heardAt: () => number
  /** When the last look at changed definitions began that has been carried out. */
  lookedAt: () => number
}

/** Without being confirmed for so long others may have the slots: it was stopped, or Redis away. */
const STALE_AFTER_MS = 2500
/** So long it waits at most to hear of what was edited meanwhile. */
const PATIENCE_MS = 2000

/**
 * Whether a scheduler may go by what it knows. One that was frozen finds its timers run out before it reads anything: it first
 * has to hear whether the slots are still its own, and what was edited meanwhile.
 */
export class Freshness {
  readonly #renewals: Renewals
  #staleSince: number | undefined

  constructor(renewals: Renewals) {
    this.#renewals = renewals
  }

  /** @param now on the clock of `performance.now()` */
  isFresh(now: number): boolean {
    const { heardAt, lookedAt } = this.#renewals
    if (now - heardAt() > STALE_AFTER_MS) {
      this.#staleSince ??= now
      return false
    }
    if (this.#staleSince === undefined) return true
    if (lookedAt() <= this.#staleSince && now - this.#staleSince < PATIENCE_MS) return false
    this.#staleSince = undefined
    return true
  }
}
