import { isTerminal, type Job } from '@foliot/jobs'
import { type EventFeed, FinishWatch, type JobRef } from '@foliot/queue'
import type { JobReader } from './job-reader.ts'

/** The stream that wakes us is trimmed: a job on a busy queue is looked at so often all the same. */
const LOOK_EVERY_MS = 2000

/** Answers those who wait for the end of a job. */
export class Finishes {
  readonly #jobs: JobReader
  readonly #watch: FinishWatch
  readonly #sleepers = new Set<() => void>()
  #stopped = false

  constructor(feed: EventFeed, jobs: JobReader) {
    this.#jobs = jobs
    this.#watch = new FinishWatch(feed)
  }

  /** Resolves when the job has ended, `timeoutMs` are over, the caller has gone, or the process stops. */
  async waitFor({ queue, id }: JobRef, timeoutMs: number, gone: AbortSignal): Promise<{ job: Job; ended: boolean }> {
    const until = performance.now() + timeoutMs
    const waiter = await this.#watch.watch({ queue, id })
    let told = false
    void waiter.done.then(() => {
      told = true
    })
    try {
      for (;;) {
        const toldBefore = told
        const job = await this.#jobs.readIn({ queue, id })
        const left = until - performance.now()
        const ended = isTerminal(job.status)
        if (ended || left <= 0 || gone.aborted || this.#stopped) return { job, ended }
        // Told while it was read: what was read may be older.
        if (told && !toldBefore) continue
        // It is told once. A job that was redriven since is looked at by the clock.
        await this.#sleep(Math.min(left, LOOK_EVERY_MS), told ? undefined : waiter.done, gone)
      }
    } finally {
      waiter.release()
    }
  }

  /** Whoever waits is answered at once. Safe twice. */
  stop(): void {
    this.#stopped = true
    for (const wake of this.#sleepers) wake()
    this.#watch.stop()
  }

  /** Until `done`, the caller has gone, the process stops, or `ms` are over. */
  async #sleep(ms: number, done: Promise<void> | undefined, gone: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = (): void => resolve()
    const timer = setTimeout(wake, ms)
    gone.addEventListener('abort', wake, { once: true })
    this.#sleepers.add(wake)
    await Promise.race(done ? [done, promise] : [promise])
    clearTimeout(timer)
    gone.removeEventListener('abort', wake)
    this.#sleepers.delete(wake)
  }
}
