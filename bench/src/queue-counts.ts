import { setTimeout as sleep } from 'node:timers/promises'
import type { Queue } from 'bullmq'

/** How many jobs of a queue are where. */
export interface Counts {
  /** Waiting for a worker, by whatever priority. */
  waiting: number
  active: number
  delayed: number
  /** Finished ones that are kept. */
  completed: number
  failed: number
}

async function countJobs(queue: Queue): Promise<Counts> {
  const counts = await queue.getJobCounts('wait', 'prioritized', 'active', 'delayed', 'completed', 'failed')
  const of = (state: string): number => counts[state] ?? 0
  return {
    waiting: of('wait') + of('prioritized'),
    active: of('active'),
    delayed: of('delayed'),
    completed: of('completed'),
    failed: of('failed'),
  }
}

/** @throws Error if any count differs: then work was lost, or was not done, and its time means nothing. */
export async function assertCounts(queue: Queue, expected: Partial<Counts>): Promise<void> {
  const wanted: Counts = { waiting: 0, active: 0, delayed: 0, completed: 0, failed: 0, ...expected }
  const got = await countJobs(queue)
  const differs = (Object.keys(wanted) as (keyof Counts)[]).some((place) => wanted[place] !== got[place])
  if (!differs) return
  throw new Error(`expected the queue ${queue.name} to hold ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`)
}

const LOOK_EVERY_MS = 50

/** A queue that loses no job for so long is stuck. */
const STUCK_AFTER_MS = 20_000

/** Waits until no job waits or runs. @throws Error if the work stands still. */
export async function untilIdle(queue: Queue, signal: AbortSignal): Promise<void> {
  let least = Number.POSITIVE_INFINITY
  let movedAt = performance.now()
  for (;;) {
    const { waiting, active, delayed } = await countJobs(queue)
    const left = waiting + active + delayed
    if (left === 0) return
    if (left < least) {
      least = left
      movedAt = performance.now()
    } else if (performance.now() - movedAt > STUCK_AFTER_MS) {
      throw new Error(
        `expected the queue ${queue.name} to be drained, but it held ${left} jobs for ${STUCK_AFTER_MS} ms`,
      )
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal })
  }
}
