import type { Redis } from 'ioredis'
import type { HeldClaim } from './claim.ts'
import { bullBase } from './keys.ts'
import type { RunningAttempt } from './running-attempt.ts'
import { runScript } from './scripts.ts'

/** How long a lock lasts without renewal: after that, the next check for stalled jobs gives the job to another worker. */
export const LOCK_MS = 5000

/** An event loop that is blocked for `LOCK_MS` less this loses no job. */
const RENEW_EVERY_MS = 1000

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
  const args = holds.flatMap(({ claim, token }) => [claim.id, token, claim.attempt, claim.stalls])
  const lost = await runScript(redis, 'renewLocks', [`${bullBase(queue)}stalled`], [bullBase(queue), LOCK_MS, ...args])
  return holds.map((_, place) => !(lost as number[]).includes(place))
}

/**
 * Keeps the locks of running attempts, and stops those that lost their job. BullMQ's own renewal goes by job, not by
 * attempt: the end of one stops the renewal of the next, if the same process has claimed it meanwhile.
 */
export class LockRenewal {
  readonly #redis: Redis
  readonly #queue: string
  readonly #onError: (error: Error) => void
  readonly #held = new Map<RunningAttempt, Hold>()
  #timer: NodeJS.Timeout | undefined
  #asking = false

  constructor(redis: Redis, queue: string, onError: (error: Error) => void) {
    this.#redis = redis
    this.#queue = queue
    this.#onError = onError
  }

  start(): void {
    this.#timer = setInterval(() => void this.#renew(), RENEW_EVERY_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  hold(attempt: RunningAttempt, hold: Hold): void {
    this.#held.set(attempt, hold)
  }

  /** To be called before the job is moved: a lock that is renewed after it would stay behind. */
  release(attempt: RunningAttempt): void {
    this.#held.delete(attempt)
  }

  async #renew(): Promise<void> {
    if (this.#asking || this.#held.size === 0) return
    this.#asking = true
    const attempts = [...this.#held.keys()]
    try {
      const held = await renewLocks(this.#redis, this.#queue, [...this.#held.values()])
      // An attempt that was released in the meantime is ending, and will hear of it from its move.
      for (const [i, attempt] of attempts.entries()) {
        if (!held[i] && this.#held.has(attempt)) attempt.stop('lost')
      }
    } catch (error) {
      this.#onError(error as Error)
    } finally {
      this.#asking = false
    }
  }
}
