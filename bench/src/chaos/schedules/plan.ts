import type { Blow } from '../plan.ts'
import type { Random } from '../random.ts'

export const SCHEDULERS = ['scheduler-1', 'scheduler-2', 'scheduler-3'] as const
export const MEMBERS = ['redis', 'postgres', 'api-1', 'recorder-1', 'worker-1', ...SCHEDULERS] as const
export type MemberName = (typeof MEMBERS)[number]

type Ranges = Readonly<Record<Blow['kind'], readonly [min: number, max: number]>>

/** Each kind comes by itself, so many milliseconds after the one before. */
const GAPS_MS: Ranges = { kill: [5000, 7500], stop: [5000, 10_000], freeze: [2500, 5500] }
const AWAY_MS: Ranges = { kill: [0, 3000], stop: [0, 3000], freeze: [1000, 20_000] }

/** Around every other kill nothing else is done: how long nothing fires after it is the kill's doing. */
const QUIET_BEFORE_MS = 4000
const QUIET_AFTER_MS = 4500

/** From its start until a scheduler has slots, or nearly so. */
const STARTS_WITHIN_MS = 3000

/** All that will be done to the schedulers in `durationMs`, in the order of its time. */
export function planSchedulerBlows(random: Random, durationMs: number): Blow<MemberName>[] {
  const {
    kill = [],
    stop = [],
    freeze = [],
  } = Object.groupBy(blowsWithoutTarget(random, durationMs), ({ kind }) => kind)
  const quiet = kill.filter((_, i) => i % 2 === 0)
  const isInTheWay = ({ atMs }: Untargeted): boolean =>
    quiet.some((blow) => atMs > blow.atMs - QUIET_BEFORE_MS && atMs < blow.atMs + QUIET_AFTER_MS)
  const blows = [...kill, ...[...stop, ...freeze].filter((blow) => !isInTheWay(blow))].sort((a, b) => a.atMs - b.atMs)
  return withTargets(random, blows)
}

type Untargeted = Omit<Blow<MemberName>, 'member'>

function blowsWithoutTarget(random: Random, durationMs: number): Untargeted[] {
  const blows: Untargeted[] = []
  for (const kind of ['kill', 'stop', 'freeze'] as const) {
    for (let atMs = random.between(...GAPS_MS[kind]); atMs < durationMs; atMs += random.between(...GAPS_MS[kind])) {
      blows.push({ atMs, kind, forMs: random.between(...AWAY_MS[kind]) })
    }
  }
  return blows
}

/** Each hits a scheduler that is there, as far as there is one: what is done to one that is away proves nothing. */
function withTargets(random: Random, blows: readonly Untargeted[]): Blow<MemberName>[] {
  const backAtMs = new Map<MemberName, number>()
  return blows.map((blow) => {
    const { atMs, kind, forMs } = blow
    const there = SCHEDULERS.filter((member) => (backAtMs.get(member) ?? 0) <= atMs)
    const targets = (there.length > 0 ? there : SCHEDULERS).map((member) => ({ member, weight: 1 }))
    const { member } = random.pick(targets)
    backAtMs.set(member, atMs + forMs + (kind === 'freeze' ? 0 : STARTS_WITHIN_MS))
    return { ...blow, member }
  })
}
