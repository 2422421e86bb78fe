import type { MisfirePolicy } from '@foliot/jobs'
import { decideMisfire } from './misfire.ts'
import type { CompiledRule } from './rule.ts'
import { nextTick, previousTick, type Tick } from './tick.ts'

export interface CatchUp {
  readonly rule: CompiledRule
  /** The first tick that was not decided; it is due. */
  readonly first: Tick
  /** Milliseconds since 1970. */
  readonly now: number
  /** Ticks due later are of no concern. Default: none. */
  readonly until?: number
  readonly policy: MisfirePolicy
  readonly lateAfterMs: number
  readonly maxCatchUp: number
}

export interface CatchUpDecision {
  /** The first and the last of the ticks that are skipped, by their `nominal`; all before those that fire. */
  readonly skip?: {
    readonly first: number
    readonly last: number
    /** Undefined if they are too many to count. */
    readonly count: number | undefined
    /** One line for people. */
    readonly reason: string
  }
  /** Ascending. */
  readonly fire: readonly Tick[]
}

/** A rule of every second that nobody fired for a year has thirty million ticks: so many are looked at one by one. */
const COUNTED_MAX = 1000

/** What becomes of all ticks that are due by now. As `decideMisfire`, but of however many there are it looks at few. */
export function catchUp({ rule, first, now, until = now, ...policy }: CatchUp): CatchUpDecision {
  const dueBy = Math.min(now, until)
  const counted = dueFrom(rule, first, dueBy, COUNTED_MAX)
  const isAll = counted.length < COUNTED_MAX
  // Those that may fire are among the last ones.
  const missed = isAll ? counted : lastDue(rule, dueBy, now - policy.lateAfterMs, policy.maxCatchUp + 1)
  const { fire, skip } = decideMisfire({ ...policy, missed, now })
  const lastSkipped =
    skip.at(-1)?.tick.nominal ?? (isAll ? undefined : previousTick(rule, missed[0]?.nominal ?? now)?.nominal)
  if (lastSkipped === undefined) return { fire }
  const reason = skip[0]?.reason ?? `late by more than ${policy.lateAfterMs} ms, and too many to be made up`
  return { fire, skip: { first: first.nominal, last: lastSkipped, count: isAll ? skip.length : undefined, reason } }
}

function dueFrom(rule: CompiledRule, first: Tick, dueBy: number, most: number): Tick[] {
  const found: Tick[] = []
  for (let tick: Tick | undefined = first; tick && tick.due <= dueBy && found.length < most; )
    tick = nextTick(rule, found[found.push(tick) - 1]?.nominal as number)
  return found
}

/** The ticks that are due and not late, and so many late ones before them. */
function lastDue(rule: CompiledRule, dueBy: number, lateBefore: number, lateCount: number): Tick[] {
  const found: Tick[] = []
  let late = 0
  for (let tick = previousTick(rule, dueBy + 1); tick && late < lateCount; tick = previousTick(rule, tick.nominal)) {
    if (tick.due > dueBy) continue
    found.push(tick)
    if (tick.due < lateBefore) late += 1
    if (found.length >= COUNTED_MAX + lateCount) break
  }
  return found.reverse()
}
