import type { ApiKey } from '@foliot/access'
import { type Database, recordKeyUses } from '@foliot/history'
import { isJobId } from '@foliot/jobs'
import type { Service } from '@foliot/lifecycle'
import type { Logger } from '@foliot/telemetry'

const WRITE_EVERY_MS = 30_000

/** When keys of the store were used last. Kept here for a while, so that no request waits for PostgreSQL. */
export class KeyUses implements Service {
  readonly name = 'uses of keys'
  readonly #db: Database | undefined
  readonly #log: Logger
  /** id → ms since 1970. As many as there are keys at most. */
  #uses = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined

  constructor(db: Database | undefined, log: Logger) {
    this.#db = db
    this.#log = log
  }

  note({ id }: ApiKey): void {
    // Those of FOLIOT_API_KEYS are in no store.
    if (this.#db && isJobId(id)) this.#uses.set(id, Date.now())
  }

  async start(): Promise<void> {
    if (this.#db) this.#timer = setInterval(() => void this.write(), WRITE_EVERY_MS)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.write()
  }

  /** Writes those that were noted until now. What PostgreSQL does not take waits for the next time. */
  write(): Promise<void> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
    return this.#writing
  }

  async #write(): Promise<void> {
    const uses = this.#uses
    if (!this.#db || uses.size === 0) return
    this.#uses = new Map()
    try {
      await recordKeyUses(this.#db, uses)
    } catch (err) {
      this.#log.debug({ err }, 'when keys were used could not be written, and is kept for the next time')
      this.#uses = new Map([...uses, ...this.#uses])
    }
  }
}
