import { setTimeout as sleep } from 'node:timers/promises'
import { DATABASE_TROUBLES, type DatabaseTrouble, databaseTroubleOf } from '@foliot/history'
import { denialOf, isRedisTrouble } from '@foliot/queue'
import { Complaints, type Logger } from '@foliot/telemetry'
import type { Redis } from 'ioredis'

export interface RecordingLoopOptions {
  /** What it takes into the history, for people: `the audit`. */
  what: string
  /** Takes all that there is, and ends soon once the signal is aborted. */
  round: (signal: AbortSignal) => Promise<void>
  redis: Redis
  log: Logger
}

/** Between two looks, in milliseconds. */
const LOOK_EVERY_MS = 500
/** After trouble. */
const RETRY_MS = 1000

/** Looks again and again for what is to be taken from Redis into the history, and tells what keeps it from that. */
export class RecordingLoop {
  readonly #options: RecordingLoopOptions
  readonly #stopped = new AbortController()
  #running: Promise<void> | undefined
  #trouble: DatabaseTrouble | undefined
  readonly #complaints: Complaints

  constructor(options: RecordingLoopOptions) {
    this.#options = options
    this.#complaints = new Complaints(options.log)
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Resolves when the round under way has ended. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#running
  }

  /** To be called when something was written. */
  recover(): void {
    const { what, log } = this.#options
    if (this.#trouble) log.info(`${what} is being recorded again`)
    this.#trouble = undefined
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      const pauseMs = await this.#options.round(signal).then(
        () => LOOK_EVERY_MS,
        (error: unknown) => this.#explain(error),
      )
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Says once what is the matter; of Redis, its connection does. @returns how long to wait, in milliseconds */
  #explain(error: unknown): number {
    const { what, redis, log } = this.#options
    const trouble = databaseTroubleOf(error)
    if (trouble && trouble !== this.#trouble) {
      const { message } = error as Error
      log.error(`${what} stays in Redis until it can be recorded: ${DATABASE_TROUBLES[trouble]} (${message})`)
    }
    this.#trouble = trouble ?? this.#trouble
    if (trouble || isRedisTrouble(error) || denialOf(error, redis)) return RETRY_MS
    this.#complaints.tell(error, `${what} could not be recorded`)
    return RETRY_MS
  }
}
