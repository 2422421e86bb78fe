import type { AuditActor, AuditBegin, AuditEnd } from '@foliot/jobs'

/** So many refusals of one key are written down at once. */
const FREE = 60
/** How long it takes until one more is. */
const FREE_EVERY_MS = 1000
/** Of so many keys the last ones are remembered. */
const KEYS = 10_000

/** What became of a request that was refused. */
export type Refusal = Pick<AuditEnd, 'status' | 'code'>

/** Refusals of one key that stand in no entry of their own. What is told beside their number is that of the first. */
export interface LeftOut extends Refusal, Pick<AuditBegin, 'actor' | 'ip' | 'forwardedFor' | 'userAgent' | 'traceId'> {
  count: number
  /** When the first of them was: ms since 1970. */
  since: number
}

interface Budget {
  /** How many may be written, as of `at`. */
  free: number
  /** ms, by a clock that only goes on. */
  at: number
}

/**
 * How many refusals of each key are written down: a key that may do nothing could fill Redis and the table with them. What is
 * left out is counted.
 */
export class Refusals {
  readonly #now: () => number
  /** By key, the one that was longest quiet first. */
  readonly #budgets = new Map<string, Budget>()
  /** By key: no more of them than there are keys. */
  readonly #leftOut = new Map<string, LeftOut>()

  /** @param now ms, by a clock that only goes on. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Whether one more of this key may be written. */
  mayWrite({ id }: AuditActor): boolean {
    const at = this.#now()
    const { free, at: before } = this.#budgets.get(id) ?? { free: FREE, at }
    const left = Math.min(FREE, free + (at - before) / FREE_EVERY_MS)
    // The last of the map is whoever came last.
    this.#budgets.delete(id)
    this.#budgets.set(id, { free: left >= 1 ? left - 1 : left, at })
    if (this.#budgets.size > KEYS) this.#budgets.delete(this.#budgets.keys().next().value as string)
    return left >= 1
  }

  /** Counts one that is not written. */
  leaveOut({ actor, ip, forwardedFor, userAgent, traceId }: AuditBegin, { status, code }: Refusal): void {
    const known = this.#leftOut.get(actor.id)
    if (known) known.count += 1
    else {
      const of = { actor, ip, forwardedFor, userAgent, traceId, status, code }
      this.#leftOut.set(actor.id, { ...of, count: 1, since: Date.now() })
    }
  }

  /** What was left out and not told yet. From here on it counts as told. */
  takeLeftOut(): LeftOut[] {
    const all = [...this.#leftOut.values()]
    this.#leftOut.clear()
    return all
  }

  /** Has what could not be told be told later. */
  giveBack(all: readonly LeftOut[]): void {
    for (const one of all) {
      const more = this.#leftOut.get(one.actor.id)?.count ?? 0
      this.#leftOut.set(one.actor.id, { ...one, count: one.count + more })
    }
  }
}
