import { setTimeout as sleep } from 'node:timers/promises'
import { FoliotError } from '@foliot/jobs'
import type { Redis } from 'ioredis'
import { diskMarkKey } from '../keys.ts'
import { olderVersion, untilReady } from './connection.ts'
import { refusalOf } from './redis-trouble.ts'
import { defineScripts } from './scripts.ts'
import { type ScriptCall, sendScripts } from './send-scripts.ts'

/** How long the disk of Redis is waited for, in ms. With `appendfsync everysec` it takes up to one second. */
const PATIENCE_MS = 3000
/** How often Redis is asked meanwhile whether it is still there, in ms. */
const LOOK_EVERY_MS = 100
/** For how long Redis counts as able to wait for its disk once it said so, in ms: somebody may switch its file off. */
const TRUSTED_MS = 10_000

/**
 * Runs scripts and answers when what they wrote is on the disk of Redis (WAITAOF). That blocks a connection for up to a
 * second, so it has one of its own, opened when it is first needed. Those who come meanwhile share the next wait.
 */
export class Disk {
  readonly #redis: Redis
  #own: Redis | undefined
  #availableUntil = 0
  #asking: Promise<void> | undefined
  #waiting: Round = newRound()
  #busy = false

  /** @param redis a connection for requests to the same server. When it is closed for good, so is this one's own. */
  constructor(redis: Redis) {
    this.#redis = redis
    redis.once('end', () => this.#own?.disconnect())
  }

  /** @throws FoliotError `durability_unavailable` if Redis cannot tell when a write is on its disk; says what it lacks. */
  async assertAvailable(): Promise<void> {
    if (Date.now() < this.#availableUntil) return
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #ask(): Promise<void> {
    const info = await this.#redis.info()
    const older = olderVersion(info, [7, 2])
    if (older) {
      throw unavailable(
        `expected Redis 7.2 or later, which can tell when a write is on its disk, got ${older}`,
        'use a newer Redis, or Valkey',
      )
    }
    if (!/^aof_enabled:1/m.test(info)) {
      throw unavailable(
        'expected a Redis that writes its append-only file, got one that does not',
        'run `redis-cli CONFIG SET appendonly yes`, and set it in its configuration',
      )
    }
    this.#availableUntil = Date.now() + TRUSTED_MS
  }

  /**
   * Runs the scripts; never rejects. The reply to each, in their order, or an error: that of a script that failed, and
   * `unavailable` for what ran, or may have run, but did not reach the disk in time.
   */
  async runScripts(calls: readonly ScriptCall[]): Promise<unknown[]> {
    const round = this.#waiting
    const from = round.calls.length
    round.calls.push(...calls)
    if (!this.#busy) void this.#work()
    const replies = await round.replies.promise
    return replies.slice(from, from + calls.length)
  }

  async #work(): Promise<void> {
    this.#busy = true
    while (this.#waiting.calls.length > 0) {
      const { calls, replies } = this.#waiting
      this.#waiting = newRound()
      replies.resolve(await this.#runAndSync(calls).catch((error: unknown) => this.#fail(calls, error)))
    }
    this.#busy = false
  }

  async #runAndSync(calls: readonly ScriptCall[]): Promise<unknown[]> {
    const givenUp = new AbortController()
    const synced = this.#sync(calls, givenUp.signal)
    try {
      return await Promise.race([synced, this.#watch(synced)])
    } catch (error) {
      givenUp.abort()
      // What a Redis that hangs was sent would keep those who come next waiting as well.
      if (error instanceof SilentError) this.#own?.stream?.destroy(error)
      throw error
    }
  }

  /**
   * To wait for a disk looks like the silence of a Redis that hangs, but that one does not answer anybody: the connection
   * for requests notices within a second. Rejects then, also at once if that one is away already; settles otherwise when
   * `synced` has, and the last answer to a ping is there.
   */
  async #watch<T>(synced: Promise<T>): Promise<T> {
    const over = synced.then(
      () => true,
      () => true,
    )
    do {
      // A ping that is not even sent says nothing of the other connection, which may be back before this one.
      const Trouble = this.#redis.status === 'ready' ? SilentError : Error
      await this.#redis.ping().catch((cause: unknown) => {
        throw new Trouble('Redis stopped answering', { cause })
      })
    } while (!(await Promise.race([over, sleep(LOOK_EVERY_MS, false, { ref: false })])))
    return synced
  }

  /** @param givenUp nobody waits any more: what is not sent by then must not keep those waiting who come when Redis is back */
  async #sync(calls: readonly ScriptCall[], givenUp: AbortSignal): Promise<unknown[]> {
    const redis = await this.#connected()
    givenUp.throwIfAborted()
    const { stream } = redis
    const replies = await sendScripts(redis, calls)
    // A full Redis, for example: nothing of this is to be waited for, and the mark would be refused as well.
    if (replies.every((reply) => refusalOf(reply) !== undefined)) return replies
    // Another connection may be to another server, whose disk says nothing of what this one wrote.
    if (redis.stream !== stream) throw new Error('the connection to Redis was lost before its disk was reached')
    const [, acknowledged] = await Promise.all([
      // What is waited for is the last write of this connection. A request that is a repetition writes nothing, though
      // the job that it repeats may not be on the disk yet.
      redis.set(diskMarkKey, '1', 'PX', PATIENCE_MS),
      redis.call('WAITAOF', 1, 0, PATIENCE_MS) as Promise<[local: number, replicas: number]>,
    ])
    if (acknowledged[0] === 1) return replies
    throw new Error(`the disk of Redis was not reached within ${PATIENCE_MS} ms`)
  }

  #fail(calls: readonly ScriptCall[], cause: unknown): FoliotError[] {
    this.#availableUntil = 0
    const error = notOnDisk(cause)
    return calls.map(() => error)
  }

  async #connected(): Promise<Redis> {
    if (!this.#own) {
      // Its silence is no sign of trouble before the disk had its time.
      this.#own = defineScripts(this.#redis.duplicate({ socketTimeout: PATIENCE_MS + 1000 }))
      // The connection for requests tells of a Redis that is away.
      this.#own.on('error', () => undefined)
    }
    await untilReady(this.#own, 1000)
    return this.#own
  }
}

class SilentError extends Error {}

/** Scripts that are sent together and wait together. */
interface Round {
  calls: ScriptCall[]
  replies: PromiseWithResolvers<unknown[]>
}

const newRound = (): Round => ({ calls: [], replies: Promise.withResolvers() })

const unavailable = (message: string, mend: string): FoliotError =>
  new FoliotError('durability_unavailable', message, {
    hint: `${mend}; or leave \`durability\` out: what Redis took is on its disk within about a second`,
  })

const notOnDisk = (cause: unknown): FoliotError =>
  new FoliotError('unavailable', `the job may be stored, but not on the disk of Redis: ${(cause as Error).message}`, {
    cause,
    hint: 'try again under the same idempotency key: then it makes no second job, and waits for the disk again',
  })
