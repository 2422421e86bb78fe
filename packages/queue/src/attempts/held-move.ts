import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { jobKey } from '../keys.ts'
import { type Hold, renewLocks } from '../locks/lock-renewal.ts'
import { REFUSED_PAUSE_MS, refusalOf } from '../redis/redis-trouble.ts'
import { attemptOf } from './attempt-record.ts'
import type { Claim, HeldClaim } from './claim.ts'
import type { StoredRecord } from './settle-fields.ts'

/** BullMQ's codes for "this attempt no longer holds the job": no job, no lock, not active, another's lock. */
const NOT_HELD: ReadonlySet<number> = new Set([-1, -2, -3, -6])

const isNotHeld = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && NOT_HELD.has(error.code as number)

/** The end of an attempt that a move stores. */
export interface AttemptEnd extends Hold {
  readonly claim: HeldClaim
  readonly record: StoredRecord
}

export interface HeldMoveEvents {
  /**
   * An attempt ended, but another one has the job by now: its result was refused. Or, if `isGone`, the job has left Redis, and
   * whether its result was stored before cannot be told: the answer may have got lost, and a history taken the job.
   */
  onLost(claim: Claim, isGone: boolean): void
  /** The end of an attempt is stored, but what the same step had to do after it went wrong. */
  onError(error: Error): void
}

/**
 * Makes the moves by which attempts end. An end that is lost has the job run again, so it is given up only if another
 * attempt has the job: a Redis that refuses it is waited for, as one that is away; a lock that ran out while nobody took
 * the job is taken again; and a move that is refused because it was made before, and its answer got lost, is done.
 */
export class HeldMoves {
  readonly #redis: Redis
  readonly #queue: string
  readonly #events: HeldMoveEvents

  constructor(redis: Redis, queue: string, events: HeldMoveEvents) {
    this.#redis = redis
    this.#queue = queue
    this.#events = events
  }

  /**
   * @param send sends the move; throws BullMQ's error, with its code, if that is refused
   * @returns what `send` gave; undefined if the end was stored before, or another attempt has the job
   * @throws what Redis answered, if that tells nothing of who has the job
   */
  async make<T>(end: AttemptEnd, send: () => Promise<T>): Promise<T | undefined> {
    for (let isAgain = false; ; isAgain = true) {
      try {
        return await untilTaken(send)
      } catch (error) {
        const isRefused = isNotHeld(error)
        // After a broken connection whoever asked for the move asks again.
        if (!isRefused && (error as Error).name !== 'ReplyError') throw error
        const found = await untilTaken(() => this.#find(end))
        if (found === 'stored') {
          // A script that failed after it had moved the job, while it fetched the next one.
          if (!isRefused) this.#events.onError(error as Error)
          return undefined
        }
        if (!isRefused) throw error
        const isGone = found === 'gone'
        if (isGone || isAgain || !(await untilTaken(() => this.#takeBack(end)))) {
          this.#events.onLost(end.claim, isGone)
          return undefined
        }
      }
    }
  }

  /** Whether this end is in Redis already: the answer to its move may have got lost, and the command sent again. */
  async #find({ claim: { id, attempt }, record }: AttemptEnd): Promise<'stored' | 'not stored' | 'gone'> {
    const fields = ['finishedOn', 'ats', record.field]
    const [finishedOn, started, stored] = await this.#redis.hmget(jobKey(this.#queue, id), ...fields)
    const isEnded = typeof finishedOn === 'string'
    if (!isEnded && typeof started !== 'string') return 'gone'
    if (record.text !== undefined) return stored === record.text ? 'stored' : 'not stored'
    // One with a record of this attempt was ended by whoever recovered it.
    return isEnded && Number(started) === attempt && attemptOf(stored) !== attempt ? 'stored' : 'not stored'
  }

  /** Takes the lock again if nobody has taken the job since it ran out. */
  async #takeBack(end: AttemptEnd): Promise<boolean> {
    const [held] = await renewLocks(this.#redis, this.#queue, [end])
    return held === true
  }
}

/** Has what Redis refuses wait as it would for one that is away. What was refused was not begun, so that it can be sent again. */
export async function untilTaken<T>(send: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await send()
    } catch (error) {
      if (!refusalOf(error)) throw error
      await sleep(REFUSED_PAUSE_MS)
    }
  }
}
