import { setTimeout as sleep } from 'node:timers/promises'

/** When jobs are sent. */
export interface Pace {
  /** The pause before each job, in milliseconds. */
  gapsMs: readonly number[]
  /** How many of the first ones are sent only to warm up. */
  warmUp: number
}

/** Gaps as between callers that know nothing of each other, `perSecond` on average. */
export const randomGapsMs = (count: number, perSecond: number): number[] =>
  Array.from({ length: count }, () => (-Math.log(1 - Math.random()) * 1000) / perSecond)

/** Calls `send` after each gap, whether or not earlier calls have ended, and resolves when all have. */
export async function paced({ gapsMs, warmUp }: Pace, send: (measured: boolean) => Promise<void>): Promise<void> {
  const sent: Promise<void>[] = []
  let due = performance.now()
  for (const [i, gapMs] of gapsMs.entries()) {
    due += gapMs
    const wait = due - performance.now()
    if (wait > 0) await sleep(wait)
    sent.push(send(i >= warmUp))
  }
  await Promise.all(sent)
}
