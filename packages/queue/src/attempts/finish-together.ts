import type { Redis } from 'ioredis'
import { flushWrites } from '../redis/gather-writes.ts'
import { sendScript } from '../redis/send-scripts.ts'

/** Jobs that one script ends. More would keep Redis waiting while it could already work, and others waiting for Redis. */
const MOST = 8

/** Where some jobs go, and what BullMQ's script has to know for that: the keys and the first arguments of `finish.lua`. */
export interface Finishing {
  readonly keys: readonly string[]
  readonly args: readonly string[]
}

/** How a job ends. */
export interface JobEnd {
  readonly key: string
  readonly id: string
  /** ms since 1970 */
  readonly at: number
  /** The output as JSON text, or why there is none. */
  readonly outcome: string
  /** Whether the next job is asked for. */
  readonly fetchesNext: boolean
  readonly token: string
  readonly maxAttempts: number
  readonly attemptsUsed: number
  /** The key of the deadlines if something outlives the job that is to be told of its end, else empty. */
  readonly deadlines: string
  /** Names and values of fields of its hash. */
  readonly fields: readonly string[]
}

interface Waiting {
  end: JobEnd
  resolve: (answer: unknown) => void
  reject: (error: unknown) => void
}

/**
 * Ends jobs that go to the same place. Those whose attempts end in the same turn of the event loop are ended by one script,
 * which costs less than one for each. None waits for what is not there yet.
 */
export class FinishTogether {
  readonly #redis: Redis
  readonly #finishing: Finishing
  #waiting: Waiting[] = []

  /** @param redis has our scripts */
  constructor(redis: Redis, finishing: Finishing) {
    this.#redis = redis
    this.#finishing = finishing
  }

  /** @returns what BullMQ's script answers: 0, a negative code, or the next job */
  add(end: JobEnd): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.push({ end, resolve, reject })
      // Node calls this when all that Redis has answered was taken up.
      if (waiting === 1) process.nextTick(() => void this.#send())
      if (waiting === MOST) {
        void this.#send()
        flushWrites(this.#redis)
      }
    })
  }

  async #send(): Promise<void> {
    const waiting = this.#waiting
    if (waiting.length === 0) return
    this.#waiting = []
    try {
      const answers = (await this.#run(waiting)) as unknown[]
      for (const [i, { resolve, reject }] of waiting.entries()) {
        const answer = answers[i]
        if (answer instanceof Error) reject(answer)
        else resolve(answer)
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }

  #run(waiting: readonly Waiting[]): Promise<unknown> {
    const args: (string | number)[] = [...this.#finishing.args]
    for (const { end } of waiting) {
      const { id, at, outcome, fetchesNext, token, maxAttempts, attemptsUsed, deadlines, fields } = end
      args.push(8 + fields.length, id, at, outcome, fetchesNext ? 1 : 0, token, maxAttempts, attemptsUsed, deadlines)
      args.push(...fields)
    }
    const keys = waiting.map(({ end }) => end.key)
    return sendScript(this.#redis, { script: 'finish', sharedKeys: this.#finishing.keys, keys, args })
  }
}
