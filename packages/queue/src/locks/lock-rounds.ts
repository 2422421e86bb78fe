import { type RunLockScript, renew, renewClaimed } from './lock-scripts.ts'
import type { HeldLock, LockReader } from './lock-table.ts'

/** How often locks are renewed: an event loop that renews them itself may be blocked for `LOCK_MS` less this. */
export const RENEW_EVERY_MS = 1000

/** How many locks one script renews: Redis does nothing else meanwhile. */
const BATCH = 500

/** What has to be told to the attempt whose lock was seen in this row, in this state. */
export interface Verdict {
  row: number
  state: number
  /** A request to end, as JSON. None if the attempt has lost its job. */
  request?: string
}

/** A queue, and what the tokens of this process' locks in it begin with. */
export interface LockOwner {
  queue: string
  tokenPrefix: string
}

/** Renews all locks of a table, a round at a time. */
export class LockRounds {
  readonly #locks: LockReader
  readonly #run: RunLockScript
  readonly #onVerdicts: (verdicts: Verdict[]) => void
  #begunAt = Number.NEGATIVE_INFINITY
  #underWay = false

  constructor(locks: LockReader, run: RunLockScript, onVerdicts: (verdicts: Verdict[]) => void) {
    this.#locks = locks
    this.#run = run
    this.#onVerdicts = onVerdicts
  }

  /** Whether it is time for the next round. Not while one waits for Redis. */
  isDue(nowMs: number): boolean {
    return !this.#underWay && nowMs - this.#begunAt >= RENEW_EVERY_MS
  }

  /**
   * @param unseen owners that may have locks which are not in the table
   * @throws what Redis answered to the first script that failed
   */
  async round(nowMs: number, unseen: readonly LockOwner[] = []): Promise<void> {
    this.#begunAt = nowMs
    this.#underWay = true
    const answers = unseen.map(({ queue, tokenPrefix }) => renewClaimed(this.#run, queue, tokenPrefix))
    for (const [queue, locks] of Map.groupBy(this.#locks.read(), ({ queue }) => queue)) {
      for (let i = 0; i < locks.length; i += BATCH) answers.push(this.#renew(queue, locks.slice(i, i + BATCH)))
    }
    const failed = (await Promise.allSettled(answers)).find(({ status }) => status === 'rejected')
    this.#underWay = false
    if (failed) throw (failed as PromiseRejectedResult).reason
  }

  async #renew(queue: string, locks: readonly HeldLock[]): Promise<void> {
    const { lost, asked } = await renew(this.#run, queue, locks)
    const at = (place: number): Verdict => {
      const { row, state } = locks[place] as HeldLock
      return { row, state }
    }
    const verdicts = [...lost.map(at), ...asked.map(([place, request]) => ({ ...at(place), request }))]
    if (verdicts.length > 0) this.#onVerdicts(verdicts)
  }
}
