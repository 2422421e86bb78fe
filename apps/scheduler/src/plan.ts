import type { Schedule } from '@foliot/jobs'
import {
  type CompiledRule,
  catchUp,
  dueOf,
  type Excluded,
  excludedAfter,
  nextTick,
  nextUndecided,
  pauseReason,
  previousTick,
  type RuleBook,
  type Tick,
  timesOf,
} from '@foliot/schedules'
import type { Due } from './due-heap.ts'

/** What a schedule is, or was, and up to when. Each version has the ticks that are due after its `from` and up to `until`. */
export interface Version {
  readonly schedule: Schedule
  /** Infinity for what it is now. */
  readonly until: number
}

export interface PlanOptions {
  key: string
  slot: number
  revision: number
  /** The oldest first. */
  versions: readonly Version[]
  rules: RuleBook
  /** The queue in whose keys its ticks are decided. */
  home: string
  /** Ticks planned up to here are decided, or nobody's concern. In ms. */
  decided: number
  /** Ticks that wait for an earlier job to end. */
  held: readonly number[]
}

/** Ticks that follow each other and make no job. */
export interface SkippedTicks {
  readonly first: number
  readonly last: number
  /** `null` if they are too many to count. */
  readonly count: number | null
  readonly outcome: 'skipped' | 'missed'
  readonly reason: string
}

/** What becomes of the ticks of a schedule that are due: first some are skipped, then some fire. */
export interface Step {
  readonly skip: SkippedTicks | undefined
  readonly fire: readonly Tick[]
}

/** What a pause or a calendar skips is written down together, so often. */
const SKIPPED_LOOK_MS = 10_000
const COUNTED_MAX = 1000
const NONE: readonly never[] = Object.freeze([])

/** One schedule, as the scheduler that has its slot goes through its ticks. It knows no clock. */
export class Plan implements Due {
  readonly key: string
  readonly slot: number
  readonly revision: number
  home: string
  /** Ticks that wait for an earlier job to end, the first one first. */
  held: readonly number[]
  /** When to look at it next, in ms; Infinity for never. */
  dueAt = Number.POSITIVE_INFINITY
  /** It was replaced, or its slot is another's. */
  isGone = false
  /** It stands among those that are to be looked at. */
  isQueued = false
  /** That its earlier versions are over was told. */
  isCleared = false
  /** Whether it had earlier versions. */
  readonly hasEarlier: boolean
  readonly #rules: RuleBook
  #schedule: Schedule | undefined
  #until = Number.POSITIVE_INFINITY
  #later: readonly Version[]
  #rule: CompiledRule | undefined
  #decided: number
  #next: Tick | undefined
  /** What a calendar excludes before the next tick, and whether some of it was written down. */
  #excluded: (Excluded & { isTold?: boolean }) | undefined
  #trouble: Error | undefined

  constructor({ key, slot, revision, versions, rules, home, decided, held }: PlanOptions) {
    this.key = key
    this.slot = slot
    this.revision = revision
    this.home = home
    this.held = held
    this.#rules = rules
    this.#schedule = versions[0]?.schedule
    this.#until = versions[0]?.until ?? Number.POSITIVE_INFINITY
    this.#later = versions.length > 1 ? versions.slice(1) : NONE
    this.hasEarlier = versions.length > 1 || versions[0]?.until !== Number.POSITIVE_INFINITY
    this.#decided = decided
    this.#begin()
  }

  /** As it is, or was when the next tick is due. Undefined after the last tick of one that was deleted. */
  get schedule(): Schedule | undefined {
    return this.#schedule
  }

  /** Ticks planned up to here are decided. */
  get decided(): number {
    return this.#decided
  }

  get next(): Tick | undefined {
    return this.#next
  }

  /** Why its rule cannot be followed. */
  get trouble(): Error | undefined {
    return this.#trouble
  }

  /** Whether what it was before is of no concern any more. */
  get isSettled(): boolean {
    // A tick that an edit released is of the version before.
    const isReleased = this.#next && this.#schedule && this.#next.due <= this.#schedule.from
    return this.#until === Number.POSITIVE_INFINITY && !isReleased
  }

  /** What becomes of the ticks that are due by `now`. */
  step(now: number): Step {
    const [schedule, until, first] = [this.#schedule, this.#until, this.#next]
    const excluded = this.#excludedBy(Math.min(now, until))
    if (excluded) return { skip: excluded, fire: [] }
    if (!schedule || !first || !this.#rule || first.due > now) return { skip: undefined, fire: [] }
    const paused = this.#pausedFrom(schedule, first, Math.min(now, until))
    if (paused) return { skip: paused, fire: [] }
    const { misfire: policy, lateAfterMs, maxCatchUp } = schedule
    if (now - first.due <= lateAfterMs) return { skip: undefined, fire: [first] }
    const { skip, fire } = catchUp({ rule: this.#rule, first, now, until, policy, lateAfterMs, maxCatchUp })
    return { skip: skip && { ...skip, count: skip.count ?? null, outcome: 'missed' }, fire }
  }

  /** The ticks that a calendar excludes and that would have been due by now; undefined if they are not next. */
  #excludedBy(dueBy: number): SkippedTicks | undefined {
    const [rule, excluded] = [this.#rule, this.#excluded]
    if (!rule || !excluded || excluded.first > dueBy) return undefined
    const { first, end, reason } = excluded
    const upTo = Math.min(dueBy, end - 1)
    const times = timesOf(rule, first - 1, upTo, COUNTED_MAX)
    const isAll = times.length < COUNTED_MAX
    const [last, count] = isAll ? [times.at(-1) ?? first, times.length] : [upTo, null]
    return { first, last, count, outcome: 'skipped', reason }
  }

  /** The ticks that a pause skips, `first` among them; undefined if it does not skip that. */
  #pausedFrom(schedule: Schedule, first: Tick, dueBy: number): SkippedTicks | undefined {
    const reason = pauseOf(schedule, first.due)
    if (reason === undefined || !this.#rule) return undefined
    const end = Math.min(dueBy, (schedule.pausedUntil ?? Number.POSITIVE_INFINITY) - 1)
    let last = first
    let count: number | null = 1
    for (let tick = nextTick(this.#rule, first.nominal); tick && tick.due <= end; ) {
      last = tick
      count += 1
      if (count > COUNTED_MAX) break
      tick = nextTick(this.#rule, tick.nominal)
    }
    if (count > COUNTED_MAX) {
      last = lastDueBy(this.#rule, end) ?? last
      count = null
    }
    return { first: first.nominal, last: last.upTo ?? last.nominal, count, outcome: 'skipped', reason }
  }

  /** What was planned as a tick is due then. */
  dueOf(nominal: number): number {
    return (this.#rule && dueOf(this.#rule, nominal)) ?? nominal
  }

  /** It cannot be followed: it is never looked at again, until it is replaced. */
  giveUp(trouble: Error): void {
    this.#trouble = trouble
    this.dueAt = Number.POSITIVE_INFINITY
  }

  /** Ticks planned up to here were decided. */
  advanceTo(decided: number): void {
    if (decided <= this.#decided) return
    this.#decided = decided
    const after = Math.max(decided, this.#schedule?.from ?? decided)
    this.#next = this.#rule && nextUndecided(this.#rule, after)
    const excluded = this.#rule && excludedAfter(this.#rule, after)
    this.#excluded = excluded && { ...excluded, isTold: excluded.end === this.#excluded?.end }
    this.#proceed()
  }

  /** @param pending the tick of the version before that was not due yet when that was over */
  #begin(pending?: Tick): void {
    const schedule = this.#schedule
    this.#rule = undefined
    this.#next = undefined
    this.#excluded = undefined
    if (schedule) {
      try {
        this.#rule = this.#rules.compile(schedule)
        this.#trouble = undefined
        this.#next = firstTick(this.#rule, schedule, this.#decided, pending)
        const excluded = excludedAfter(this.#rule, Math.max(this.#decided, schedule.from))
        if (!this.#next || (excluded && excluded.first < this.#next.nominal)) this.#excluded = excluded
      } catch (error) {
        this.#trouble = error as Error
      }
    }
    this.#proceed()
  }

  /** Goes on to the next version when this one has no more ticks. */
  #proceed(): void {
    const isOver = (at: number = Number.POSITIVE_INFINITY) => at > this.#until
    if (this.#until !== Number.POSITIVE_INFINITY && isOver(this.#next?.due) && isOver(this.#excluded?.first)) {
      const pending = this.#next && this.#next.nominal <= this.#until ? this.#next : undefined
      const next = this.#later[0]
      this.#schedule = next?.schedule
      this.#until = next?.until ?? Number.POSITIVE_INFINITY
      this.#later = this.#later.slice(1)
      this.#begin(pending)
      return
    }
    this.dueAt = this.#lookAt()
  }

  #lookAt(): number {
    const [next, schedule, excluded] = [this.#next, this.#schedule, this.#excluded]
    // What was skipped just now is written down; what follows waits to be written down together with others.
    const together = (first: number, end: number = Number.POSITIVE_INFINITY) =>
      Math.max(first, Math.min(this.#decided + SKIPPED_LOOK_MS, end, this.#until))
    if (excluded) return excluded.isTold ? together(excluded.first, excluded.end - 1) : excluded.first
    if (!next || !schedule) return Number.POSITIVE_INFINITY
    if (pauseOf(schedule, next.due) === undefined || this.#decided < schedule.from) return next.due
    return together(next.due, schedule.pausedUntil)
  }
}

const pauseOf = ({ paused, pausedReason: reason, pausedUntil: until }: Schedule, dueMs: number): string | undefined =>
  pauseReason({ paused, reason, until }, dueMs)

/**
 * The first tick of a version. After an edit those count that are due after it, and the one under way; none was planned
 * before the schedule was made.
 *
 * @param pending the tick of the version before that was not due yet when that was over
 */
function firstTick(rule: CompiledRule, schedule: Schedule, decided: number, pending?: Tick): Tick | undefined {
  const { from, createdAt, jitterMs, calendars } = schedule
  const isOwn = (tick: Tick): boolean => tick.nominal > Math.max(decided, createdAt)
  if (pending && isOwn(pending)) {
    // It waited for its jitter or for a calendar to end. The edit may have left nothing to wait for.
    const same = nextTick(rule, pending.nominal - 1)
    if (same?.nominal === pending.nominal) return { ...same, due: Math.max(same.due, from) }
  }
  if ((jitterMs > 0 || calendars) && from > decided && from !== createdAt) {
    const before = previousTick(rule, from + 1)
    if (before && before.due > from && isOwn(before)) return before
  }
  return nextUndecided(rule, Math.max(decided, from))
}

function lastDueBy(rule: CompiledRule, dueBy: number): Tick | undefined {
  let tick = previousTick(rule, dueBy + 1)
  while (tick && tick.due > dueBy) tick = previousTick(rule, tick.nominal)
  return tick
}
