import type { MisfirePolicy } from '@foliot/jobs'
import type { Tick } from './tick.ts'

export interface Misfire {
  readonly policy: MisfirePolicy
  /** Ticks that are due and did not fire yet, ascending. */
  readonly missed: Iterable<Tick>
  /** Milliseconds since 1970. */
  readonly now: number
  /** A tick that is due for longer than this is late. Others fire, whatever the policy. */
  readonly lateAfterMs: number
  /** How many late ticks `fire_all` fires at most: the last ones. */
  readonly maxCatchUp: number
}

/** Every missed tick is in one of the lists, both ascending. */
export interface MisfireDecision {
  readonly fire: readonly Tick[]
  readonly skip: readonly SkippedTick[]
}

/** `reason` is one line for people. */
export interface SkippedTick {
  readonly tick: Tick
  readonly reason: string
}

export function decideMisfire({ policy, missed, now, lateAfterMs, maxCatchUp }: Misfire): MisfireDecision {
  const late: Tick[] = []
  const inTime: Tick[] = []
  for (const tick of missed) (now - tick.due > lateAfterMs ? late : inTime).push(tick)
  const firedLate = policy === 'skip' ? 0 : policy === 'fire_once' ? 1 : maxCatchUp
  const cut = Math.max(0, late.length - firedLate)
  const reasonOf = (tick: Tick) => `${now - tick.due} ms late, more than ${lateAfterMs}${why}`
  const why =
    policy === 'skip'
      ? ': late ticks are skipped'
      : policy === 'fire_once'
        ? `: the tick of ${new Date(late.at(-1)?.nominal ?? now).toISOString()} stands for it`
        : `, and not one of the last ${maxCatchUp}, which are made up`
  return {
    fire: [...late.slice(cut), ...inTime],
    skip: late.slice(0, cut).map((tick) => ({ tick, reason: reasonOf(tick) })),
  }
}
