import { type Database, recordAudit } from '@foliot/history'
import type { Service } from '@foliot/lifecycle'
import { type AuditPlace, readAuditAfter, type StoredAudit, takeAudit } from '@foliot/queue'
import type { Logger } from '@foliot/telemetry'
import type { Redis } from 'ioredis'
import { RecordingLoop } from './recording-loop.ts'
import type { Upkeep } from './upkeep.ts'

export interface AuditRecorderOptions {
  /** A connection for loops. */
  redis: Redis
  db: Database
  /** Sees that there is a table to write to. */
  upkeep: Upkeep
  log: Logger
}

const BATCH = 500
/** An entry without an outcome waits so long for it; then it goes alone, and the outcome follows if there is ever one. */
const PATIENCE_MS = 5 * 60 * 1000

/**
 * Takes what the apis wrote of changes by hand into the history, and removes it from Redis then. To do so twice changes
 * nothing, so any number may do it at once, and one that is killed in between does no harm.
 */
export class AuditRecorder implements Service {
  readonly name = 'audit'
  readonly #options: AuditRecorderOptions
  readonly #loop: RecordingLoop
  /** What the history cannot keep: it stays in Redis, and was told of. */
  readonly #refused = new Set<AuditPlace>()

  constructor(options: AuditRecorderOptions) {
    this.#options = options
    const { redis, log } = options
    this.#loop = new RecordingLoop({ what: 'the audit', round: (signal) => this.#round(signal), redis, log })
  }

  async start(): Promise<void> {
    this.#loop.start()
  }

  /** Resolves when the batch under way is written. */
  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** Takes all that there is, from the oldest to the newest. */
  async #round(signal: AbortSignal): Promise<void> {
    const { redis, upkeep } = this.#options
    let after: AuditPlace | undefined
    while (!signal.aborted) {
      const { entries, unreadable, last } = await readAuditAfter(redis, after, BATCH)
      if (last === undefined) break
      for (const { place, problem } of unreadable) this.#refuse(place, problem)
      await upkeep.seeTo()
      const [seconds = 0] = await redis.time()
      await this.#take(entries, Number(seconds) * 1000)
      after = last
      this.#loop.recover()
    }
  }

  async #take(entries: readonly StoredAudit[], now: number): Promise<void> {
    const { redis, db } = this.#options
    const due = entries.filter(({ place, at, end }) => !this.#refused.has(place) && (end || at < now - PATIENCE_MS))
    const refused = new Map((await recordAudit(db, due)).map(({ id, reason }) => [id, reason]))
    for (const { id, place } of due) if (refused.has(id)) this.#refuse(place, refused.get(id) as string)
    await takeAudit(
      redis,
      due.filter(({ id }) => !refused.has(id)),
    )
  }

  #refuse(place: AuditPlace, reason: string): void {
    if (this.#refused.has(place)) return
    this.#refused.add(place)
    const message = `expected an audit entry that the history can keep, and it refused this one: ${reason}`
    this.#options.log.error({ place }, message)
  }
}
