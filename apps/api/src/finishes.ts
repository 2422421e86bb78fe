import { isTerminal, type Job } from '@foliot/jobs'
import { FinishWatch, type JobRef, readJob } from '@foliot/queue'
import type { Redis } from 'ioredis'

/** The stream that wakes us is trimmed: a job on a busy queue is looked at so often all the same. */
const LOOK_EVERY_MS = 2000

/** Answers those who wait for the end of a job. */
export class Finishes {
  readonly #redis: Redis
  readonly #watch: FinishWatch
  readonly #stop = new AbortController()

  constructor(redis: Redis) {
    this.#redis = redis
    this.#watch = new FinishWatch(redis)
  }

  /** Resolves when the job has ended, `timeoutMs` are over, the caller has gone, or the process stops. */
  async waitFor({ queue, id }: JobRef, timeoutMs: number, gone: AbortSignal): Promise<{ job: Job; ended: boolean }> {
    const until = performance.now() + timeoutMs
    const over = AbortSignal.any([gone, this.#stop.signal])
    const waiter = await this.#watch.watch({ queue, id })
    let told = false
    void waiter.done.then(() => {
      told = true
    })
    try {
      for (;;) {
        const toldBefore = told
        const job = await readJob(this.#redis, [queue], id)
        const left = until - performance.now()
        const ended = isTerminal(job.status)
        if (ended || left <= 0 || over.aborted) return { job, ended }
        // Told while it was read: what was read may be older.
        if (told && !toldBefore) continue
        // It is told once. A job that was redriven since is looked at by the clock.
        await firstOf(told ? undefined : waiter.done, Math.min(left, LOOK_EVERY_MS), over)
      }
    } finally {
      waiter.release()
    }
  }

  /** Whoever waits is answered at once. Safe twice. */
  stop(): void {
    this.#stop.abort()
    this.#watch.stop()
  }
}

async function firstOf(done: Promise<void> | undefined, ms: number, over: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  const leave = (): void => resolve()
  over.addEventListener('abort', leave, { once: true })
  await Promise.race(done ? [done, promise] : [promise])
  clearTimeout(timer)
  over.removeEventListener('abort', leave)
}
