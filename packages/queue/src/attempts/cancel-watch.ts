import type { Redis } from 'ioredis'
import { cancelChannel } from '../keys.ts'
import type { CancelMessage } from './cancel-request.ts'

export interface CancelWatchOptions {
  /** Any connection; the watch makes a copy of it, since one that listens does nothing else. */
  redis: Redis
  onRequest(message: CancelMessage): void
  onError(error: Error): void
}

/**
 * Hears within milliseconds that a running job shall end. While the connection is broken requests get lost: the renewal
 * of locks, and the next claim, find them in the job.
 */
export class CancelWatch {
  readonly #options: CancelWatchOptions
  readonly #connection: Redis

  constructor(options: CancelWatchOptions) {
    this.#options = options
    this.#connection = options.redis.duplicate({
      lazyConnect: true,
      enableReadyCheck: false,
      maxRetriesPerRequest: null,
    })
    this.#connection.on('error', options.onError)
    this.#connection.on('message', (_, text: string) => this.#read(text))
  }

  /** Resolves when it listens. ioredis listens again by itself after each new connection. */
  async start(): Promise<void> {
    await this.#connection.subscribe(cancelChannel)
  }

  stop(): void {
    this.#connection.disconnect()
  }

  #read(text: string): void {
    try {
      this.#options.onRequest(JSON.parse(text) as CancelMessage)
    } catch (error) {
      this.#options.onError(error as Error)
    }
  }
}
