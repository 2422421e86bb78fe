import { LIMITS, truncate } from '@foliot/jobs'

/** How much may be on its way, in characters. Lines are sent at once while there is room: a crash may be near. */
const ON_THE_WAY_MAX = 64 * 1024

/** Sends lines in order, no faster than they are taken. Of those that have to wait it keeps the last. */
export class LogSender {
  readonly #send: (lines: string[]) => Promise<unknown>
  #waiting: string[] = []
  #onTheWay = 0
  #room = Promise.withResolvers<void>()

  /** @param send resolves when the lines have been taken, and never rejects. */
  constructor(send: (lines: string[]) => Promise<unknown>) {
    this.#send = send
  }

  add(line: string): void {
    // More than are kept of a job need not wait.
    if (this.#waiting.length >= 2 * LIMITS.logLines) this.#waiting.splice(0, LIMITS.logLines)
    this.#waiting.push(truncate(line, LIMITS.logLineBytes))
    this.#sendSome()
  }

  /** Resolves when every line so far is on its way. */
  async flush(): Promise<void> {
    while (this.#waiting.length > 0) await this.#room.promise
  }

  #sendSome(): void {
    while (this.#waiting.length > 0 && this.#onTheWay < ON_THE_WAY_MAX) void this.#sendLines(this.#takeLines())
  }

  #takeLines(): string[] {
    let size = 0
    const end = this.#waiting.findIndex((line) => {
      size += line.length
      return size > ON_THE_WAY_MAX
    })
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : Math.max(1, end))
  }

  async #sendLines(lines: string[]): Promise<void> {
    const size = lines.reduce((sum, line) => sum + line.length, 0)
    this.#onTheWay += size
    await this.#send(lines)
    this.#onTheWay -= size
    this.#sendSome()
    this.#room.resolve()
    this.#room = Promise.withResolvers()
  }
}
