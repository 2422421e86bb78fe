import type { Random } from './random.ts'

export const MEMBERS = [
  'redis',
  'postgres',
  'api-1',
  'api-2',
  'worker-1',
  'worker-2',
  'worker-3',
  'recorder-1',
  'recorder-2',
] as const
export type MemberName = (typeof MEMBERS)[number]

/** Something that is done to a process. */
export interface Blow<Name extends string = MemberName> {
  /** From the beginning of the run. */
  atMs: number
  member: Name
  kind: 'kill' | 'stop' | 'freeze'
  /** How long it stays away: until it is started again, or, if it was frozen, goes on. */
  forMs: number
}

type Ranges = Readonly<Record<Blow['kind'], readonly [min: number, max: number]>>

/** Each kind comes by itself, so many milliseconds after the one before. */
const GAPS_MS: Ranges = { kill: [2500, 6000], stop: [8000, 16_000], freeze: [5000, 13_000] }
const AWAY_MS: Ranges = { kill: [0, 3000], stop: [0, 3000], freeze: [1000, 12_000] }

/** Redis is hit as often as one worker: whatever is done to it is done to everybody. */
const TARGETS = MEMBERS.map((member) => ({ member, weight: /^(redis|worker)/.test(member) ? 2 : 1 }))

/**
 * Once in a run Redis is silent for longer than a lock lasts, which is 5 s: attempts end whose lock has run out. A run of
 * 16 s or more has it whole.
 */
const OUTAGE_MS = [6000, 8000] as const

/** How long Redis may take to be there again after what was done to it before. */
const BACK_WITHIN_MS = 3000

/** All that will be done to the processes in `durationMs`, in the order of its time. */
export function planBlows(random: Random, durationMs: number): Blow[] {
  const blows: Blow[] = []
  for (const kind of ['kill', 'stop', 'freeze'] as const) {
    for (let atMs = random.between(...GAPS_MS[kind]); atMs < durationMs; atMs += random.between(...GAPS_MS[kind])) {
      blows.push({ atMs, member: random.pick(TARGETS).member, kind, forMs: random.between(...AWAY_MS[kind]) })
    }
  }
  const outage = planOutage(random, durationMs)
  return [...blows.filter((blow) => !isInTheWay(blow, outage)), outage].sort((a, b) => a.atMs - b.atMs)
}

function planOutage(random: Random, durationMs: number): Blow {
  const atMs = random.between(Math.floor(durationMs / 4), Math.floor(durationMs / 2))
  return { atMs, member: 'redis', kind: 'freeze', forMs: random.between(...OUTAGE_MS) }
}

/** Redis that is away could not be frozen, and Redis that is killed meanwhile would be back too soon. */
const isInTheWay = ({ member, atMs, forMs }: Blow, outage: Blow): boolean =>
  member === 'redis' && atMs <= outage.atMs + outage.forMs && atMs + forMs + BACK_WITHIN_MS >= outage.atMs
