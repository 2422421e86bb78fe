import { isTerminal, type Job } from '@foliot/jobs'
import { FinishWatch, type JobRef, readJob } from '@foliot/queue'
import type { Redis } from 'ioredis'

/** The stream that wakes us is trimmed: a job on a busy queue is looked at so often all the same. */
const LOOK_EVERY_MS = 2000

/** Answers those who wait for the end of a job. */
export class Finishes {
  readonly #redis: Redis
  readonly #watch: FinishWatch

  constructor(redis: Redis) {
    this.#redis = redis
    this.#watch = new FinishWatch(redis)
  }

  /** Resolves when the job has ended, `timeoutMs` are over, or the caller has gone. */
  async waitFor({ queue, id }: JobRef, timeoutMs: number, gone: AbortSignal): Promise<{ job: Job; ended: boolean }> {
    const until = performance.now() + timeoutMs
    const waiter = await this.#watch.watch({ queue, id })
    let woken: Promise<void> | undefined = waiter.done
    try {
      for (;;) {
        const job = await readJob(this.#redis, [queue], id)
        const left = until - performance.now()
        const ended = isTerminal(job.status)
        if (ended || left <= 0 || gone.aborted) return { job, ended }
        await firstOf(woken, Math.min(left, LOOK_EVERY_MS), gone)
        // It wakes once. A job that was redriven in between is looked at by the clock.
        if (await isSettled(waiter.done)) woken = undefined
      }
    } finally {
      waiter.release()
    }
  }

  stop(): void {
    this.#watch.stop()
  }
}

const isSettled = (promise: Promise<void>): Promise<boolean> =>
  Promise.race([promise.then(() => true), Promise.resolve(false)])

async function firstOf(done: Promise<void> | undefined, ms: number, gone: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  const leave = (): void => resolve()
  gone.addEventListener('abort', leave, { once: true })
  await Promise.race(done ? [done, promise] : [promise])
  clearTimeout(timer)
  gone.removeEventListener('abort', leave)
}
