import {
  type AuditBegin,
  type AuditEntry,
  type AuditFilter,
  auditOutcomeOf,
  FoliotError,
  fitsAudit,
  newJobId,
  toAuditEntry,
} from '@foliot/jobs'
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
  refusalOf,
  timeOfPlace,
  withdrawAudit,
} from '@foliot/queue'
import type { Logger } from '@foliot/telemetry'
import type { Redis } from 'ioredis'
import type { History } from '../history.ts'
import { AuditNotes } from './audit-notes.ts'
import { type LeftOut, type Refusal, Refusals } from './refusals.ts'

export interface AuditLogOptions {
  redis: Redis
  /** Undefined where nothing is recorded: then there is what Redis keeps. */
  history: History | undefined
  log: Logger
  /** ms, by a clock that only goes on. Default: the process's. */
  now?: () => number
}

export interface AuditPage {
  /** Newest first. */
  items: AuditEntry[]
  /** Where the last of them stands, if there are more behind it. */
  next: Position | undefined
}

/** What the audit calls refusals that stand in no entry of their own. */
const LEFT_OUT = 'refusals.left_out'

/** An entry that was written again with its outcome stands so far behind its time, as long as changes take no longer. */
const LATE_MS = 60_000

/** How many entries are read from Redis at a time. */
const READ = 500
/** How often it is told which refusals were left out. */
const TELL_EVERY_MS = 60_000

/** Who changes what by hand: written before the change and after it, and read again. */
export class AuditLog implements Service {
  readonly name = 'audit'
  readonly #redis: Redis
  readonly #history: History | undefined
  readonly #log: Logger
  readonly #recording: RecordingWatch
  readonly #refusals: Refusals
  #timer: NodeJS.Timeout | undefined

  constructor({ redis, history, log, now }: AuditLogOptions) {
    this.#redis = redis
    this.#history = history
    this.#log = log
    this.#recording = new RecordingWatch(redis)
    this.#refusals = new Refusals(now)
  }

  async start(): Promise<void> {
    // Not waited for: until it is known, nothing is thrown away.
    void this.#recording.start()
    this.#timer = setInterval(() => void this.#tellLeftOut(), TELL_EVERY_MS)
    this.#timer.unref()
  }

  /** Resolves when it is told which refusals were left out. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    for (const { actor, count } of await this.#tellLeftOut()) {
      this.#log.warn({ caller: actor.name, refusals: count }, 'refusals were left out of the audit')
    }
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

  /**
   * Writes down what became of it. If that cannot be done the outcome stays unknown, which is true. Of one that was refused
   * nothing stays if its key has had too many, or Redis is full: it is counted.
   *
   * @param status of the HTTP answer
   */
  async end(notes: AuditNotes, status: number): Promise<void> {
    const { begin } = notes
    try {
      // What has an `after` was changed, whatever was answered.
      if (auditOutcomeOf(status) === 'refused' && notes.after === undefined) await this.#endRefused(notes, status)
      else await endAudit(this.#redis, notes, notes.outcome(status))
    } catch (err) {
      const message = 'the outcome of a change could not be written down: the audit has it as unknown'
      this.#log.error({ err, audit: begin.id, action: begin.action, status }, message)
    }
  }

  /** As `begin` and `end`, of what was refused before anything could be changed. Never rejects: what is not written is counted. */
  async refuse(begin: AuditBegin, refusal: Refusal): Promise<void> {
    if (!this.#refusals.mayWrite(begin.actor)) return this.#refusals.leaveOut(begin, refusal)
    await this.#writeRefused(begin, refusal).catch((err: unknown) => {
      this.#refusals.leaveOut(begin, refusal)
      // Of a Redis that is away or full, its connection tells.
      if (!(err instanceof FoliotError) && !isRedisTrouble(err) && !refusalOf(err))
        this.#log.error({ err, action: begin.action }, 'a refusal could not be written down')
    })
  }

  async #endRefused(notes: AuditNotes, status: number): Promise<void> {
    const { begin, place, code } = notes
    if (this.#refusals.mayWrite(begin.actor)) {
      try {
        return await endAudit(this.#redis, notes, notes.outcome(status), false)
      } catch (err) {
        if (!refusalOf(err)) throw err
      }
    }
    await withdrawAudit(this.#redis, place)
    this.#refusals.leaveOut(begin, { status, code })
  }

  async #writeRefused(begin: AuditBegin, { status, code }: Refusal): Promise<void> {
    const bounds = { isRecorded: this.#recording.on, evenIfFull: false }
    const place = await beginAudit(this.#redis, begin, bounds)
    const notes = new AuditNotes(begin, place)
    notes.code = code
    try {
      await endAudit(this.#redis, notes, notes.outcome(status), false)
    } catch (err) {
      await withdrawAudit(this.#redis, place)
      throw err
    }
  }

  /** One entry for each key. @returns what cannot be told now */
  async #tellLeftOut(): Promise<LeftOut[]> {
    const all = this.#refusals.takeLeftOut()
    const untold: LeftOut[] = []
    for (const leftOut of all) {
      const { count, since, status, code, ...from } = leftOut
      const begin: AuditBegin = {
        ...from,
        id: newJobId(Date.now()),
        action: LEFT_OUT,
        target: { kind: 'refusals', id: null, tenant: null },
        asked: { count, since: new Date(since).toISOString() },
        reason: null,
      }
      await this.#writeRefused(begin, { status, code }).catch(() => untold.push(leftOut))
    }
    this.#refusals.giveBack(untold)
    return untold
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
      const place = Number.isFinite(notAfter) ? { before, notAfter: notAfter + LATE_MS } : { before }
      const { entries, last } = await readAuditBefore(this.#redis, place, READ)
      for (const { id, at, begin, end } of entries) {
        const isBehind = after === undefined || newestFirst(after, { at, id }) < 0
        const entry = isBehind ? toAuditEntry({ ...begin, id }, at, end) : undefined
        if (entry && fitsAudit(entry, filter)) found.push(entry)
      }
      if (last === undefined) return found
      // What comes now was written at that time, or before it.
      const until = timeOfPlace(last)
      const oldest = inOrder(found)[count - 1]
      if (until < from || (oldest && until < Date.parse(oldest.at))) return found
      before = last
    }
  }
}

const positionOf = ({ at, id }: AuditEntry): Position => ({ at: Date.parse(at), id })

const inOrder = (entries: AuditEntry[]): AuditEntry[] =>
  entries.sort((a, b) => newestFirst(positionOf(a), positionOf(b)))
