import type { Redis } from 'ioredis'
import type { HeldClaim } from '../attempts/claim.ts'
import type { RunningAttempt } from '../attempts/running-attempt.ts'
import { runScript } from '../redis/scripts.ts'
import { LockKeeper, type LockUser } from './lock-keeper.ts'
import type { LockOwner } from './lock-rounds.ts'
import { renew } from './lock-scripts.ts'
import type { LockRow } from './lock-table.ts'

/** What a lock is renewed by. */
export interface Hold {
  readonly claim: HeldClaim
  readonly token: string
}

/**
 * Renews locks, and takes again those that ran out while nobody took the job.
 *
 * @returns for each hold whether it is still one
 */
export async function renewLocks(redis: Redis, queue: string, holds: readonly Hold[]): Promise<boolean[]> {
  const locks = holds.map(({ claim: { id, attempt, stalls }, token }) => ({ id, token, attempt, stalls }))
  const { lost } = await renew((name, keys, args) => runScript(redis, name, keys, args), queue, locks)
  return holds.map((_, place) => !lost.includes(place))
}

/**
 * Keeps the locks of a queue's running attempts, also while the main loop is blocked, and stops the attempts that lost
 * their job or are asked to end. BullMQ's own renewal goes by job, not by attempt: the end of one stops the renewal of the
 * next, if the same process has claimed it meanwhile.
 */
export class LockRenewal {
  readonly #keeper: LockKeeper
  readonly #queue: string
  readonly #stopGraceMs: number
  readonly #owners = new Set<LockOwner>()
  readonly #user: LockUser
  /** Where the locks of running attempts stand. */
  readonly #rows = new Map<RunningAttempt, LockRow<RunningAttempt>>()

  /** @param stopGraceMs for how long an attempt with a limit may block the main loop after it was asked to end */
  constructor(
    redis: Redis,
    queue: string,
    onError: (error: Error) => void,
    stopGraceMs: number = Number.POSITIVE_INFINITY,
  ) {
    this.#keeper = LockKeeper.of(redis)
    this.#queue = queue
    this.#stopGraceMs = stopGraceMs
    this.#user = { owners: this.#owners, onError }
  }

  /** Resolves when blocking the main loop loses no job any more. */
  start(): Promise<void> {
    return this.#keeper.join(this.#user)
  }

  /**
   * From now on locks of the queue whose tokens begin with `tokenPrefix` are ours, also before `hold` and after `release`.
   *
   * @returns ends that
   */
  own(tokenPrefix: string): () => void {
    const owner = { queue: this.#queue, tokenPrefix }
    this.#owners.add(owner)
    this.#keeper.tellOwners()
    return () => {
      this.#owners.delete(owner)
      this.#keeper.tellOwners()
    }
  }

  /** Safe twice, and before `start`. */
  stop(): Promise<void> {
    return this.#keeper.leave(this.#user)
  }

  hold(attempt: RunningAttempt, { claim: { id, attempt: number, stalls }, token }: Hold): void {
    const lock = { queue: this.#queue, id, token, attempt: number, stalls }
    const row = this.#keeper.table.hold(attempt, lock)
    this.#rows.set(attempt, row)
    attempt.killBy((ms) => row.limit(ms, this.#stopGraceMs))
  }

  /** To be called before the job is moved: after that there is nothing to renew. Safe twice. */
  release(attempt: RunningAttempt): void {
    const row = this.#rows.get(attempt)
    if (!row) return
    this.#rows.delete(attempt)
    attempt.killBy(undefined)
    this.#keeper.table.release(row)
  }
}
