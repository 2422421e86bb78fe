import type { Schedule } from '@foliot/jobs'
import { type Finding, type ProjectedSchedule, type Run, slotOf, type TickState, tickJobId } from '@foliot/queue'
import { type CompiledRule, nextTick, previousTick, type RuleBook, type Tick } from '@foliot/schedules'

/** Without `expectWithinMs` a tick may be overdue so long after it has become late. */
const PATIENCE_MS = 60_000
/** What happens more often is looked at so often. */
const LOOK_EVERY_MS = 5000

/** What it is now, or was, and up to when: no more than is needed here, as there may be very many. */
interface Version {
  /** Undefined if it cannot be followed, of which the scheduler complains. */
  readonly rule: CompiledRule | undefined
  readonly from: number
  /** Infinity for what it is now. */
  readonly until: number
  readonly paused: boolean
  readonly pausedUntil: number | undefined
  /** How long after it was due a tick may be undecided. */
  readonly limitMs: number
  readonly expectWithinMs: number | undefined
  readonly finishWithinMs: number | undefined
}

/** What is known of a schedule when it is looked at. Instants are in ms. */
export interface Facts {
  now: number
  /** In the queue that decides its ticks; undefined if no scheduler has had it yet. */
  state: TickState | undefined
  /** Ticks planned up to here are nobody's concern. */
  since: number
  /** The jobs that `questions` asked for, by id. */
  runs: ReadonlyMap<string, Run>
  /** After how long to look again at what is wrong. */
  recheckMs: number
}

/** What else has to be known to judge of a schedule. */
export interface Questions {
  /** The last tick that should have a job that was started. */
  started?: Tick | undefined
  /** The ticks whose jobs should have ended, as far as they are not known to have. */
  ended: Pick<Tick, 'nominal' | 'due'>[]
}

export interface Verdict {
  findings: Finding[]
  /** When to look again, in ms; Infinity for never, unless the schedule changes. */
  lookAt: number
}

/** A schedule, as the watchdog looks at it. It knows no clock. */
export class WatchedSchedule {
  readonly key: string
  readonly slot: number
  readonly usesCalendars: boolean
  /** The queue that decides its ticks, since when in ms. Undefined until it was looked up. */
  home: { queue: string; since: number } | undefined
  lookAt = 0
  /** It was replaced or deleted. */
  isGone = false
  readonly #versions: readonly Version[]
  #lookedAt = 0

  /** Whether its jobs heed each other. */
  readonly heeds: boolean

  private constructor({ key, current, earlier }: ProjectedSchedule & { current: Schedule }, rules: RuleBook) {
    this.key = key
    this.slot = slotOf(key)
    const now = versionOf(current, Number.POSITIVE_INFINITY, rules)
    this.#versions = [...earlier.map(({ schedule, until }) => versionOf(schedule, until, rules)), now]
    this.usesCalendars = [current, ...earlier.map(({ schedule }) => schedule)].some(
      ({ calendars }) => calendars !== undefined,
    )
    this.heeds = current.overlap !== 'allow'
  }

  /** Undefined for one that was deleted: nothing is expected of it. */
  static of({ current, ...projected }: ProjectedSchedule, rules: RuleBook): WatchedSchedule | undefined {
    return current && new WatchedSchedule({ ...projected, current }, rules)
  }

  get ref(): { tenant: string; id: string } {
    return refOf(this.key)
  }

  get finishWithinMs(): number | undefined {
    return this.#now.finishWithinMs
  }

  /** As it is now. */
  get #now(): Version {
    return this.#versions.at(-1) as Version
  }

  /** @param overdue the tick whose job was overdue before, as planned */
  questions(now: number, overdue: number | undefined): Questions {
    const { expectWithinMs, finishWithinMs } = this.#now
    if (isPaused(this.#now, now)) return { ended: [] }
    const started = expectWithinMs === undefined ? undefined : this.#lastDueBy(now - expectWithinMs)
    if (finishWithinMs === undefined) return { started, ended: [] }
    const last = this.#lastDueBy(now - finishWithinMs)
    const before = overdue === undefined ? [] : [{ nominal: overdue, due: overdue }]
    return { started, ended: last ? [...before, last] : before }
  }

  judge({ now, state, since, runs, recheckMs }: Facts, questions: Questions): Verdict {
    const found: Finding[] = []
    const looks: number[] = []
    const decided = Math.max(state?.decided ?? 0, since)
    const pending = this.#pending(decided, now)
    if (pending) {
      const finding = this.#undecided(pending, now)
      if (finding) found.push(finding)
      looks.push(pending.tick.due + pending.version.limitMs)
    }
    if (!isPaused(this.#now, now)) {
      this.#judgeExpected({ now, state, runs }, questions, found, looks)
      this.#judgeFinish({ runs }, questions, found, looks)
    }
    // Of each kind one.
    const findings = found.filter(({ kind }, i) => found.findIndex((other) => other.kind === kind) === i)
    // At once, unless it was looked at just before this time.
    const lookAt = Math.max(Math.min(...looks, Number.POSITIVE_INFINITY), this.#lookedAt + LOOK_EVERY_MS)
    this.#lookedAt = now
    return { findings, lookAt: findings.length > 0 ? now + recheckMs : lookAt }
  }

  /** The first tick that nobody has decided. */
  #pending(decided: number, now: number): { tick: Tick; version: Version } | undefined {
    for (const version of isPaused(this.#now, now) ? [this.#now] : this.#versions) {
      const { rule, paused, pausedUntil, from, until } = version
      if (!rule || (paused && pausedUntil === undefined)) continue
      const tick = nextTick(rule, Math.max(decided, from, paused ? (pausedUntil ?? 0) - 1 : 0))
      if (tick && tick.due <= until) return { tick, version }
    }
    return undefined
  }

  #undecided({ tick: { nominal, due }, version }: { tick: Tick; version: Version }, now: number): Finding | undefined {
    const { limitMs, expectWithinMs } = version
    if (now <= due + limitMs) return undefined
    const nobody = `nobody has fired or skipped it within ${limitMs} ms`
    return expectWithinMs === undefined
      ? this.#finding('next_in_past', due, `its next time, ${iso(nominal)}, lies in the past: ${nobody}`, nominal)
      : this.#finding('missed', due + limitMs, `the tick of ${iso(nominal)} has no job: ${nobody}`, nominal)
  }

  #judgeExpected(
    { now, state, runs }: Pick<Facts, 'now' | 'state' | 'runs'>,
    { started }: Questions,
    found: Finding[],
    looks: number[],
  ): void {
    const { expectWithinMs } = this.#now
    if (expectWithinMs === undefined) return
    const [held] = state?.held ?? []
    if (held !== undefined) {
      if (now > held + expectWithinMs) {
        const why = `the tick of ${iso(held)} has no job after ${expectWithinMs} ms: it waits for the job of an earlier one to end`
        found.push(this.#finding('missed', held + expectWithinMs, why, held))
      }
      looks.push(held + expectWithinMs)
    }
    const run = started && runs.get(tickJobId(this.key, started.nominal))
    if (started && run && !run.isStarted && !run.hasEnded) {
      const why = `no worker has started the job of the tick of ${iso(started.nominal)} within ${expectWithinMs} ms`
      found.push(this.#finding('late', started.due + expectWithinMs, why, started.nominal))
    }
    looks.push(this.#nextLook(started, expectWithinMs))
  }

  #judgeFinish({ runs }: Pick<Facts, 'runs'>, { ended }: Questions, found: Finding[], looks: number[]): void {
    const { finishWithinMs } = this.#now
    if (finishWithinMs === undefined) return
    const isOpen = ({ nominal }: Pick<Tick, 'nominal'>): boolean =>
      runs.get(tickJobId(this.key, nominal))?.hasEnded === false
    const open = ended.find(isOpen)
    if (open) {
      const id = tickJobId(this.key, open.nominal)
      const why = `the job ${id} of the tick of ${iso(open.nominal)} has not ended within ${finishWithinMs} ms`
      found.push(this.#finding('overdue', open.due + finishWithinMs, why, open.nominal))
    }
    const last = ended.reduce<Questions['ended'][0] | undefined>(
      (a, b) => (a && a.nominal > b.nominal ? a : b),
      undefined,
    )
    looks.push(this.#nextLook(last, finishWithinMs))
  }

  /** When the next tick after `last` has had its time. */
  #nextLook(last: Pick<Tick, 'nominal'> | undefined, withinMs: number): number {
    const { rule, from } = this.#now
    const next = rule && nextTick(rule, Math.max(last?.nominal ?? 0, from))
    return next ? next.due + withinMs : Number.POSITIVE_INFINITY
  }

  /** The last tick, of what the schedule is now, that is due then or before. */
  #lastDueBy(ms: number): Tick | undefined {
    const { rule, from } = this.#now
    if (!rule || ms <= from) return undefined
    let tick = previousTick(rule, ms + 1)
    while (tick && tick.due > ms) tick = previousTick(rule, tick.nominal)
    return tick && tick.nominal > from ? tick : undefined
  }

  #finding(kind: Finding['kind'], since: number, reason: string, tick: number): Finding {
    const { tenant, id: scheduleId } = this.ref
    return { kind, tenant, scheduleId, since, reason, tick }
  }
}

function versionOf(schedule: Schedule, until: number, rules: RuleBook): Version {
  const { from, paused, pausedUntil, lateAfterMs, expectWithinMs, finishWithinMs } = schedule
  const limitMs = expectWithinMs ?? lateAfterMs + PATIENCE_MS
  return { rule: compile(schedule, rules), from, until, paused, pausedUntil, limitMs, expectWithinMs, finishWithinMs }
}

function compile(schedule: Schedule, rules: RuleBook): CompiledRule | undefined {
  try {
    return rules.compile(schedule)
  } catch {
    return undefined
  }
}

const isPaused = ({ paused, pausedUntil }: Pick<Version, 'paused' | 'pausedUntil'>, now: number): boolean =>
  paused && (pausedUntil === undefined || now < pausedUntil)

/** Whose it is, see `scheduleKey`. */
export function refOf(key: string): { tenant: string; id: string } {
  const slash = key.indexOf('/')
  return { tenant: key.slice(0, slash), id: key.slice(slash + 1) }
}

const iso = (ms: number): string => new Date(ms).toISOString()
