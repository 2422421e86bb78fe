const EVERY_MS = 60_000

/** What this needs of a logger; pino's fits. */
interface ComplaintLog {
  error(fields: object, message: string): void
}

/** What goes wrong again and again in a loop, told once a minute for as long as it is the same. */
export class Complaints {
  readonly #log: ComplaintLog
  readonly #now: () => number
  #told = { text: '', at: 0 }

  /** @param now a clock in ms. Default: the monotonic one. */
  constructor(log: ComplaintLog, now: () => number = () => performance.now()) {
    this.#log = log
    this.#now = now
  }

  /** @param what could not be done, as a clause: "the audit could not be recorded" */
  tell(error: unknown, what: string): void {
    const text = `${what}; it is tried again: ${(error as Error).message}`
    const at = this.#now()
    if (text === this.#told.text && at - this.#told.at < EVERY_MS) return
    this.#told = { text, at }
    this.#log.error({ err: error }, text)
  }
}
