import { hostname } from 'node:os'
import type { Service } from '@foliot/lifecycle'
import {
  ANNOUNCE_EVERY_MS,
  announce,
  beat,
  forgetQueues,
  HEARTBEAT_EVERY_MS,
  isRedisTrouble,
  SWEEP_EVERY_MS,
  signOff,
  sweepQueue,
} from '@foliot/queue'
import type { Logger } from '@foliot/telemetry'
import type { Redis } from 'ioredis'
import type { Runnable } from './job-packs.ts'

export interface PresenceOptions {
  worker: string
  redis: Redis
  queues: ReadonlyMap<string, readonly Runnable[]>
  concurrency: number
  /** Ids of the jobs that run now. */
  running: () => string[]
  log: Logger
}

/**
 * Makes the worker known: its job types, so that the api accepts them, and a heartbeat, so that operators see it. Also
 * sweeps old finished jobs of its queues, which BullMQ leaves lying on an idle queue, and forgets queues that nobody has.
 */
export class Presence implements Service {
  readonly name = 'presence'
  readonly #options: PresenceOptions
  readonly #startedAt = new Date().toISOString()
  readonly #timers: NodeJS.Timeout[] = []
  #state: 'running' | 'stopping' = 'running'
  #lastBeat = 0

  constructor(options: PresenceOptions) {
    this.#options = options
  }

  /** When a heartbeat last got through, in ms since 1970; 0 before the first. */
  get lastBeat(): number {
    return this.#lastBeat
  }

  /** Resolves when the catalog is in Redis. */
  async start(): Promise<void> {
    const { queues } = this.#options
    const types = [...queues.values()].flat().map(({ type }) => type)
    await announce(this.#options.redis, types)
    await this.#beat()
    this.#every(ANNOUNCE_EVERY_MS, 'announcement', () => announce(this.#options.redis, types))
    this.#every(HEARTBEAT_EVERY_MS, 'heartbeat', () => this.#beat())
    this.#every(SWEEP_EVERY_MS, 'sweep', async () => {
      for (const queue of queues.keys()) await sweepQueue(this.#options.redis, queue)
      const forgotten = await forgetQueues(this.#options.redis)
      for (const queue of forgotten) this.#options.log.info({ queue }, `nobody has queue ${queue} any more: forgotten`)
    })
  }

  /** Whether the worker is known and takes new jobs. */
  get isOpen(): boolean {
    return this.#state === 'running' && this.#lastBeat > 0
  }

  /** Says that no new jobs are taken; the heartbeat goes on until `stop`. Nobody waits for it: Redis may be away. */
  sayStopping(): void {
    this.#state = 'stopping'
    if (this.#lastBeat === 0) return
    this.#beat().catch((err) => this.#options.log.warn({ err }, 'the last heartbeat failed'))
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
    if (this.#lastBeat > 0) await signOff(this.#options.redis, this.#options.worker)
  }

  async #beat(): Promise<void> {
    const { worker, redis, queues, concurrency, running } = this.#options
    await beat(redis, {
      id: worker,
      host: hostname(),
      pid: process.pid,
      startedAt: this.#startedAt,
      heartbeatAt: new Date().toISOString(),
      queues: [...queues.keys()],
      concurrency,
      running: running(),
      types: [...queues.values()].flat().map(({ definition }) => definition.name),
      state: this.#state,
    })
    this.#lastBeat = Date.now()
  }

  /** One round at a time: while Redis is away the rounds missed are not made up for. */
  #every(ms: number, what: string, round: () => Promise<unknown>): void {
    let busy = false
    const timer = setInterval(async () => {
      if (busy) return
      busy = true
      try {
        await round()
      } catch (err) {
        // That Redis is away or refuses writes is told once, by `RedisConnection`.
        if (!isRedisTrouble(err))
          this.#options.log.warn({ err }, `the ${what} failed; the next one is tried in ${ms} ms`)
      } finally {
        busy = false
      }
    }, ms)
    this.#timers.push(timer)
  }
}
