import type { MisfirePolicy } from '@foliot/jobs'
import { decideMisfire } from './misfire.ts'
import type { CompiledRule } from './rule.ts'
import { nextTick, type Tick } from './tick.ts'

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
  /** The first and the last of the times of the rule that are skipped; all before those that fire. */
  readonly skip?: {
    readonly first: number
    readonly last: number
    /** Undefined if they are too many to count. */
    readonly count: number | undefined
    /** One line for people. */
    readonly reason: string
  }
  /** Ascending. Of very many that are not late the first ones: the others fire when these are decided. */
  readonly fire: readonly Tick[]
}

/** A rule of every second that nobody fired for a year has thirty million ticks: so many are looked at one by one. */
const COUNTED_MAX = 1000
/** Of late ticks so many are looked for at a time. */
const PART_MAX = 500
/** The shortest time between two ticks. */
const TICK_MS = 1000

/** What becomes of the ticks that are due by now. As `decideMisfire`, but of however many there are it looks at few. */
export function catchUp({ rule, first, now, until = now, ...policy }: CatchUp): CatchUpDecision {
  const dueBy = Math.min(now, until)
  const dueFrom = (tick: Tick | undefined) => ticksWhile(rule, tick, ({ due }) => due <= dueBy, COUNTED_MAX)
  let missed = dueFrom(first)
  const isAll = missed.length < COUNTED_MAX
  if (!isAll) {
    // Those of the late ones that may fire, and the one before them.
    const late = lastDue(rule, first, Math.min(dueBy + 1, now - policy.lateAfterMs), policy.maxCatchUp + 1)
    const lastLate = late.at(-1)
    missed = [...late, ...dueFrom(lastLate ? nextTick(rule, lastLate.nominal) : first)]
  }
  const { fire, skip } = decideMisfire({ ...policy, missed, now })
  const [firstSkipped, lastSkipped] = [skip[0], skip.at(-1)]
  if (!firstSkipped || !lastSkipped) return { fire }
  const count = isAll ? skip.length : undefined
  return { fire, skip: { first: first.nominal, last: lastSkipped.tick.nominal, count, reason: firstSkipped.reason } }
}

/** The last ticks that are due before an instant, of `first` and those after it. To go forward from where they may begin costs little. */
function lastDue(rule: CompiledRule, first: Tick, before: number, most: number): Tick[] {
  const parts: Tick[][] = []
  let spanMs = (PART_MAX / 2) * TICK_MS
  for (let end = before, missing = most; missing > 0 && end > first.nominal; ) {
    const from = Math.max(first.nominal, end - spanMs)
    const start = from === first.nominal ? first : nextTick(rule, from - 1)
    const part = ticksWhile(rule, start, ({ nominal, due }) => nominal < end && due < before, PART_MAX)
    if (part.length === PART_MAX) {
      spanMs /= 2
      continue
    }
    parts.push(part)
    missing -= part.length
    end = from
    if (part.length < PART_MAX / 4) spanMs *= 2
  }
  return parts.reverse().flat().slice(-most)
}

function ticksWhile(
  rule: CompiledRule,
  first: Tick | undefined,
  isWanted: (tick: Tick) => boolean,
  most: number,
): Tick[] {
  const found: Tick[] = []
  for (let tick = first; tick && isWanted(tick) && found.length < most; tick = nextTick(rule, tick.nominal))
    found.push(tick)
  return found
}
