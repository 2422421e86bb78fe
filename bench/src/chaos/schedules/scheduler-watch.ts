import { connectForLoops, listSchedulers } from '@foliot/queue'

/** Which schedulers there were. */
export interface Sample {
  /** ms since 1970 */
  at: number
  /** Their names, which end in `-<pid>-<random>`. */
  names: readonly string[]
}

const LOOK_EVERY_MS = 250

/** Looks again and again which schedulers say that they are there. */
export class SchedulerWatch implements Disposable {
  readonly samples: Sample[] = []
  readonly #redis: ReturnType<typeof connectForLoops>
  readonly #timer: NodeJS.Timeout

  constructor(redisUrl: string) {
    this.#redis = connectForLoops(redisUrl)
    // Without an answer there is no sample: the one before holds.
    this.#redis.on('error', () => undefined)
    this.#timer = setInterval(() => void this.#look().catch(() => undefined), LOOK_EVERY_MS)
  }

  async #look(): Promise<void> {
    const names = [...(await listSchedulers(this.#redis)).keys()]
    const last = this.samples.at(-1)
    if (last?.names.join(' ') !== names.join(' ')) this.samples.push({ at: Date.now(), names })
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#redis.disconnect()
  }
}
