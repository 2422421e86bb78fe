import type { Redis } from 'ioredis'
import { recordingKey } from '../keys.ts'

/**
 * Whether there is a history that takes what finished. While there is, finished jobs stay in Redis until they are taken,
 * also while the recorder or PostgreSQL is away. A recorder says so again and again; a week after the last one has gone
 * for good, jobs go by their age again.
 */

const RECORDING_TTL_MS = 7 * 24 * 60 * 60 * 1000
const LOOK_EVERY_MS = 5000

/** Says that there is a recorder. */
export async function sayRecording(redis: Redis): Promise<void> {
  await redis.set(recordingKey, '1', 'PX', RECORDING_TTL_MS)
}

export const isRecording = async (redis: Redis): Promise<boolean> => (await redis.exists(recordingKey)) === 1

/** Knows whether there is a recorder, as of a few seconds ago. */
export class RecordingWatch {
  readonly #redis: Redis
  #timer: NodeJS.Timeout | undefined
  /** Until it is known, nothing is thrown away. */
  #on = true

  constructor(redis: Redis) {
    this.#redis = redis
  }

  get on(): boolean {
    return this.#on
  }

  /** Resolves when it was looked for once. With Redis away it keeps what it knew. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS)
    await this.#look()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    this.#on = await isRecording(this.#redis).catch(() => this.#on)
  }
}
