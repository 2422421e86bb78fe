import type { Random } from './random.ts'

export const MEMBERS = ['redis', 'api-1', 'api-2', 'worker-1', 'worker-2', 'worker-3'] as const
export type MemberName = (typeof MEMBERS)[number]

/** Something that is done to a process. */
export interface Blow {
  /** From the beginning of the run. */
  atMs: number
  member: MemberName
  kind: 'kill' | 'stop' | 'freeze'
  /** How long it stays away: until it is started again, or, if it was frozen, goes on. */
  forMs: number
}

type Ranges = Readonly<Record<Blow['kind'], readonly [min: number, max: number]>>

/** Each kind comes by itself, so many milliseconds after the one before. */
const GAPS_MS: Ranges = { kill: [2500, 6000], stop: [8000, 16_000], freeze: [5000, 13_000] }
const AWAY_MS: Ranges = { kill: [0, 3000], stop: [0, 3000], freeze: [1000, 12_000] }

/** Redis is hit as often as one worker: whatever is done to it is done to everybody. */
const TARGETS = MEMBERS.map((member) => ({ member, weight: member.startsWith('api') ? 1 : 2 }))

/** All that will be done to the processes in `durationMs`, in the order of its time. */
export function planBlows(random: Random, durationMs: number): Blow[] {
  const blows: Blow[] = []
  for (const kind of ['kill', 'stop', 'freeze'] as const) {
    for (let atMs = random.between(...GAPS_MS[kind]); atMs < durationMs; atMs += random.between(...GAPS_MS[kind])) {
      blows.push({ atMs, member: random.pick(TARGETS).member, kind, forMs: random.between(...AWAY_MS[kind]) })
    }
  }
  return blows.sort((a, b) => a.atMs - b.atMs)
}
