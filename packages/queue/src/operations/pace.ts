/** What a step may be late without being slower for it afterwards, in ms. */
const CREDIT_MS = 100

/** Spreads moves evenly over time: at most so many a second, in about ten steps. */
export class Pace {
  /** How many to take in one step. */
  readonly chunk: number
  readonly #msPerMove: number
  readonly #now: () => number
  #nextAt: number

  /**
   * @param perSecond undefined: no limit
   * @param most of one step
   */
  constructor(perSecond: number | undefined, most: number, now = (): number => performance.now()) {
    this.#now = now
    this.#nextAt = now()
    this.#msPerMove = perSecond === undefined ? 0 : 1000 / perSecond
    this.chunk = perSecond === undefined ? most : Math.min(most, Math.max(1, Math.floor(perSecond / 10)))
  }

  /** How long to wait before the next step. 0: not at all. */
  waitMs(): number {
    return Math.max(0, this.#nextAt - this.#now())
  }

  /** Says that so many were moved just now. */
  took(count: number): void {
    this.#nextAt = Math.max(this.#nextAt, this.#now() - CREDIT_MS) + count * this.#msPerMove
  }
}
