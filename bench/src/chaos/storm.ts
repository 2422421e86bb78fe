import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from './cluster.ts'
import type { Member } from './member.ts'
import type { Blow } from './plan.ts'

export interface StormOptions {
  blows: readonly Blow[]
  cluster: Cluster
  note(line: string): void
  signal: AbortSignal
}

/** A blow that hit a process. */
export interface Hit extends Blow {
  pid: number
  /** ms since 1970 */
  at: number
}

const WORDS = { kill: 'SIGKILL', stop: 'SIGTERM', freeze: 'SIGSTOP' } as const

/** Deals the blows, each at its time, and adds to `hits` those that found a process. Rejects when `signal` aborts. */
export async function storm({ blows, cluster, note, signal }: StormOptions, hits: Hit[]): Promise<void> {
  const startedAt = performance.now()
  for (const blow of blows) {
    const waitMs = startedAt + blow.atMs - performance.now()
    if (waitMs > 0) await sleep(waitMs, undefined, { signal })
    const at = Date.now()
    const pid = (cluster.members.get(blow.member) as Member).take(blow)
    note(`${WORDS[blow.kind]} ${blow.member}, ${pid === undefined ? 'which is away' : `for ${blow.forMs} ms`}`)
    if (pid !== undefined) hits.push({ ...blow, pid, at })
  }
}
