import { setImmediate as soon } from 'node:timers/promises'

/** Others wait no longer for what takes its time. */
const BREATH_EVERY_MS = 10

/** For loops over very many: lets others in this process have a turn when it is due. */
export class Breath {
  #since = performance.now()

  /** By time, as what is done for one of them may take long. */
  get isDue(): boolean {
    return performance.now() - this.#since >= BREATH_EVERY_MS
  }

  async take(): Promise<void> {
    await soon()
    this.#since = performance.now()
  }
}
