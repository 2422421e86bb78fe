/** With so many handlers that do not end, a worker is more trouble than use: what they hold is never given back. */
export const MOST_ABANDONED = 5

/** Counts handlers that were told to stop and go on all the same. */
export class AbandonedHandlers {
  readonly #tooMany = Promise.withResolvers<string>()
  #count = 0

  /** Resolves, with the reason, when only a new process can help. */
  get tooMany(): Promise<string> {
    return this.#tooMany.promise
  }

  /** @param ended resolves when the handler ends after all. */
  add(ended: Promise<unknown>): void {
    this.#count++
    if (this.#count >= MOST_ABANDONED) {
      this.#tooMany.resolve(`${this.#count} handlers were told to stop and did not: a new process has to take over`)
    }
    void ended.finally(() => this.#count--)
  }
}
