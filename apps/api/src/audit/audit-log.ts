import { type AuditBegin, type AuditEntry, type AuditFilter, FoliotError, fitsAudit, toAuditEntry } from '@foliot/jobs'
import type { Service } from '@foliot/lifecycle'
import {
  type AuditPlace,
  beginAudit,
  endAudit,
  isRedisTrouble,
  newestFirst,
  type Position,
  RecordingWatch,
  readAuditBefore,
} from '@foliot/queue'
import type { Logger } from '@foliot/telemetry'
import type { Redis } from 'ioredis'
import type { History } from '../history.ts'
import { AuditNotes } from './audit-notes.ts'

export interface AuditLogOptions {
  redis: Redis
  /** Undefined where nothing is recorded: then there is what Redis keeps. */
  history: History | undefined
  log: Logger
}

export interface AuditPage {
  /** Newest first. */
  items: AuditEntry[]
  /** Where the last of them stands, if there are more behind it. */
  next: Position | undefined
}

/** How many entries are read from Redis at a time. */
const READ = 500

/** Who changes what by hand: written before the change and after it, and read again. */
export class AuditLog implements Service {
  readonly name = 'audit'
  readonly #redis: Redis
  readonly #history: History | undefined
  readonly #log: Logger
  readonly #recording: RecordingWatch

  constructor({ redis, history, log }: AuditLogOptions) {
    this.#redis = redis
    this.#history = history
    this.#log = log
    this.#recording = new RecordingWatch(redis)
  }

  async start(): Promise<void> {
    // Not waited for: until it is known, nothing is thrown away.
    void this.#recording.start()
  }

  async stop(): Promise<void> {
    this.#recording.stop()
  }

  /**
   * Writes down what is about to be done. Nothing may be changed before it resolves.
   *
   * @throws what is told of a Redis that is away, or FoliotError `unavailable`: then nothing may be changed at all
   */
  async begin(begin: AuditBegin): Promise<AuditNotes> {
    try {
      return new AuditNotes(begin, await beginAudit(this.#redis, begin, { isRecorded: this.#recording.on }))
    } catch (err) {
      if (err instanceof FoliotError || isRedisTrouble(err)) throw err
      this.#log.error({ err }, 'the audit cannot be written: nothing can be changed by hand')
      throw new FoliotError('unavailable', 'the audit cannot be written, so nothing was changed', {
        hint: 'the log of the api has the details',
        cause: err,
      })
    }
  }

  /** Writes down what became of it. If that cannot be done the outcome stays unknown, which is true. */
  async end(notes: AuditNotes, status: number): Promise<void> {
    const { place, begin } = notes
    try {
      await endAudit(this.#redis, { id: begin.id, place }, notes.end(status))
    } catch (err) {
      const message = 'the outcome of a change could not be written down: the audit has it as unknown'
      this.#log.error({ err, audit: begin.id, action: begin.action, status }, message)
    }
  }

  /**
   * One page. What Redis has is read first and the history second: an entry is in the history before it leaves Redis, so none
   * is missed.
   *
   * @throws FoliotError `unavailable` while the history cannot be read
   */
  async list(filter: AuditFilter, limit: number, after?: Position): Promise<AuditPage> {
    const live = await this.#readLive(filter, limit + 1, after)
    const kept = (await this.#history?.searchAudit(filter, limit + 1, after)) ?? []
    const all = new Map(kept.map((entry) => [entry.id, entry]))
    // Of an entry that was taken meanwhile the history may know more.
    for (const entry of live) if ((all.get(entry.id)?.outcome ?? 'unknown') === 'unknown') all.set(entry.id, entry)
    const sorted = inOrder([...all.values()])
    const items = sorted.slice(0, limit)
    const last = items.at(-1)
    return { items, next: sorted.length > limit && last ? positionOf(last) : undefined }
  }

  /** Entries of Redis that fit, at least so many of the newest. */
  async #readLive(filter: AuditFilter, count: number, after: Position | undefined): Promise<AuditEntry[]> {
    const found: AuditEntry[] = []
    const from = filter.from ?? 0
    const notAfter = Math.min(after?.at ?? Number.POSITIVE_INFINITY, filter.to ?? Number.POSITIVE_INFINITY)
    let before: AuditPlace | undefined
    for (;;) {
      const place = Number.isFinite(notAfter) ? { before, notAfter } : { before }
      const { entries, last } = await readAuditBefore(this.#redis, place, READ)
      for (const { id, at, begin, end } of entries) {
        // Those of one millisecond stand in another order here.
        if (at < from || (found.length >= count && at < Date.parse((found[count - 1] as AuditEntry).at))) return found
        const isBehind = after === undefined || newestFirst(after, { at, id }) < 0
        const entry = begin && isBehind ? toAuditEntry({ ...begin, id }, at, end) : undefined
        if (entry && fitsAudit(entry, filter)) found.push(entry)
      }
      if (last === undefined) return found
      before = last
    }
  }
}

const positionOf = ({ at, id }: AuditEntry): Position => ({ at: Date.parse(at), id })

const inOrder = (entries: AuditEntry[]): AuditEntry[] =>
  entries.sort((a, b) => newestFirst(positionOf(a), positionOf(b)))
