import { setTimeout as sleep } from 'node:timers/promises'
import { LIMITS, truncate } from '@foliot/jobs'
import type { Redis } from 'ioredis'
import { bullKeys, jobKey, lockKey, logsKey } from '../keys.ts'
import { REFUSED_PAUSE_MS, refusalOf } from '../redis/redis-trouble.ts'
import { runScript } from '../redis/scripts.ts'
import type { CancelRequest } from './cancel-request.ts'
import type { Claim, HeldClaim } from './claim.ts'
import { stepField } from './step-fields.ts'

/** Why an attempt is told to stop before it is done. */
export type StopReason = 'timeout' | 'deadline' | 'cancel' | 'lost' | 'shutdown'

/** How many lines one call writes; Redis' Lua takes about 8 000 arguments. */
const LOG_BATCH = 500

/**
 * An attempt while it runs: the claim, the way to stop it, and the only way in which it may write. Each write is checked
 * against the lock and the attempt's number in the script that makes it, so an attempt that lost its job writes nothing.
 * Nor does one that has ended, though its handler may go on.
 */
export class RunningAttempt {
  readonly claim: Claim
  readonly #redis: Redis
  readonly #token: string
  readonly #stalls: string
  readonly #stopped = Promise.withResolvers<StopReason>()
  #controller: AbortController | undefined
  #reason: StopReason | undefined
  #cancelRequest: CancelRequest | undefined
  #lines: string[] = []
  /** Lines that were never stored, before those. */
  #leftOut = 0
  #flushing: Promise<void> | undefined
  #refused: Error | undefined
  #ended = false
  #limit: ((ms: number) => void) | undefined

  constructor(claim: HeldClaim, token: string, redis: Redis) {
    this.claim = claim
    this.#stalls = claim.stalls
    this.#token = token
    this.#redis = redis
  }

  /** Resolves when the attempt is told to stop; never rejects. */
  get stopped(): Promise<StopReason> {
    return this.#stopped.promise
  }

  get stopReason(): StopReason | undefined {
    return this.#reason
  }

  /** Aborted by `stop`. Made when first asked for, since most handlers never do. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#reason && !this.#controller.signal.aborted) this.#controller.abort(stopError(this.#reason))
    return this.#controller.signal
  }

  /** The first reason counts. */
  stop(reason: StopReason): void {
    if (this.#reason) return
    this.#reason = reason
    this.#controller?.abort(stopError(reason))
    this.#stopped.resolve(reason)
  }

  /** Somebody no longer wants the job. Safe twice: the first request counts. */
  cancel(request: CancelRequest): void {
    this.#cancelRequest ??= request
    this.stop('cancel')
  }

  /** Who asked for the end of the job, whatever the attempt was told to stop for first. */
  get cancelRequest(): CancelRequest | undefined {
    return this.#cancelRequest
  }

  /**
   * Has the process killed if `ms` from now the attempt still runs and its main loop is blocked: nothing else could end it.
   * Its job is recovered as one that timed out, the others of the process as those of a dead worker. From the first call on
   * that may come earlier, once the job is cancelled: see `stopGraceMs` of a `Consumer`. The last call counts.
   */
  killAfter(ms: number): void {
    this.#limit?.(ms)
  }

  /** For who keeps its lock: what `killAfter` is to call; undefined once the lock is let go. */
  killBy(limit: ((ms: number) => void) | undefined): void {
    this.#limit = limit
  }

  /** From here on it writes nothing. For its consumer, before the job is moved. */
  end(): void {
    this.#ended = true
  }

  /**
   * Stores the progress; resolves when it can be read. `json` is JSON text. Does nothing once the job is lost. A Redis that
   * refuses it, because it is full for example, goes without: that is no reason for an attempt to fail.
   */
  async progress(json: string): Promise<void> {
    try {
      await this.#write(['progress', json, this.claim.id])
    } catch (error) {
      // That Redis refuses writes is told by who watches it.
      if (!refusalOf(error)) throw error
    }
  }

  /**
   * Keeps the result of a step for later attempts. `json` is JSON text. The first result stays. As long as Redis refuses
   * it, because it is full for example, it is tried again, as it would wait for one that is away.
   *
   * @throws AbortError if the job has another owner, or the attempt has ended: the result is not kept.
   */
  async keepStep(name: string, json: string): Promise<void> {
    for (;;) {
      try {
        const written = await this.#write(['step', stepField(name), json])
        if (!written) throw stopError(this.#reason ?? 'lost')
        return
      } catch (error) {
        if (!refusalOf(error)) throw error
        await Promise.race([sleep(REFUSED_PAUSE_MS, undefined, { ref: false }), this.stopped])
        if (this.#reason) throw stopError(this.#reason)
      }
    }
  }

  /** Adds a line to the job's log. Lines are sent together, at the end of this turn of the event loop. */
  log(line: string): void {
    // A handler that never lets go of the event loop fills this: no more lines are kept in the end.
    if (this.#lines.length >= 2 * LIMITS.logLines) this.#leftOut += this.#lines.splice(0, LIMITS.logLines).length
    this.#lines.push(truncate(line, LIMITS.logLineBytes))
    this.#flushing ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#flush())
  }

  /** Resolves when every line so far is stored. Rejects if Redis refused one. */
  async flushLog(): Promise<void> {
    while (this.#flushing) await this.#flushing
    if (this.#refused) throw this.#refused
  }

  async #flush(): Promise<void> {
    try {
      while (this.#lines.length > 0) {
        const leftOut = this.#leftOut
        await this.#write(['log', String(LIMITS.logLines), String(leftOut), ...this.#lines.splice(0, LOG_BATCH)])
        this.#leftOut -= leftOut
      }
    } catch (error) {
      // Nobody may be waiting yet: `flushLog` tells whoever comes.
      this.#refused = error as Error
    } finally {
      this.#flushing = undefined
    }
  }

  async #write(args: string[]): Promise<boolean> {
    if (this.#ended) return false
    const { queue, id, attempt } = this.claim
    const keys = [jobKey(queue, id), lockKey(queue, id), bullKeys(queue).events, logsKey(queue, id)]
    const written = await runScript(this.#redis, 'writeAttempt', keys, [this.#token, attempt, this.#stalls, ...args])
    if (written === 0) this.stop('lost')
    return written === 1
  }
}

const STOP_MESSAGES: Record<StopReason, string> = {
  timeout: 'the attempt took longer than its timeout',
  deadline: 'the deadline of the job has passed',
  cancel: 'the job was cancelled',
  lost: 'the job has another owner now; what this attempt does no longer counts',
  shutdown: 'the worker is shutting down',
}

/** What `signal.reason` is: an AbortError, so that fetch and timers treat it as one. */
function stopError(reason: StopReason): Error {
  return Object.assign(new DOMException(STOP_MESSAGES[reason], 'AbortError'), { stopReason: reason })
}
