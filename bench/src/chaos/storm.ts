import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from './cluster.ts'
import type { Member } from './member.ts'
import type { Blow, MemberName } from './plan.ts'

export interface StormOptions<Name extends string> {
  blows: readonly Blow<Name>[]
  cluster: Cluster<Name>
  note(line: string): void
  signal: AbortSignal
}

/** A blow that hit a process. */
export interface Hit<Name extends string = MemberName> extends Blow<Name> {
  pid: number
  /** ms since 1970 */
  at: number
}

const WORDS = { kill: 'SIGKILL', stop: 'SIGTERM', freeze: 'SIGSTOP' } as const

/** Deals the blows, each at its time, and adds to `hits` those that found a process. Rejects when `signal` aborts. */
export async function storm<Name extends string>(
  { blows, cluster, note, signal }: StormOptions<Name>,
  hits: Hit<Name>[],
): Promise<void> {
  const startedAt = performance.now()
  for (const blow of blows) {
    const waitMs = startedAt + blow.atMs - performance.now()
    if (waitMs > 0) await sleep(waitMs, undefined, { signal })
    const at = Date.now()
    const pid = (cluster.members.get(blow.member) as Member<Name>).take(blow)
    note(`${WORDS[blow.kind]} ${blow.member}, ${pid === undefined ? 'which is away' : `for ${blow.forMs} ms`}`)
    if (pid !== undefined) hits.push({ ...blow, pid, at })
  }
}
