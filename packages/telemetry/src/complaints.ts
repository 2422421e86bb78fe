const EVERY_MS = 60_000
/** Several things may go wrong in turn. */
const MOST_TOLD = 10

/** What this needs of a logger; pino's fits. */
interface ComplaintLog {
  error(fields: object, message: string): void
}

/** What goes wrong again and again in a loop, told once a minute for as long as it is the same. */
export class Complaints {
  readonly #log: ComplaintLog
  readonly #now: () => number
  /** When each was told last, the latest last. */
  readonly #told = new Map<string, number>()

  /** @param now a clock in ms. Default: the monotonic one. */
  constructor(log: ComplaintLog, now: () => number = () => performance.now()) {
    this.#log = log
    this.#now = now
  }

  /** @param what could not be done, as a clause: "the audit could not be recorded" */
  tell(error: unknown, what: string): void {
    const text = `${what}; it is tried again: ${(error as Error).message}`
    const at = this.#now()
    if (at - (this.#told.get(text) ?? Number.NEGATIVE_INFINITY) < EVERY_MS) return
    this.#told.delete(text)
    this.#told.set(text, at)
    const [oldest] = this.#told.keys()
    if (this.#told.size > MOST_TOLD && oldest !== undefined) this.#told.delete(oldest)
    this.#log.error({ err: error }, text)
  }
}
