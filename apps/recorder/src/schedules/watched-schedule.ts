import { type Schedule, scheduleOfKey } from '@foliot/jobs'
import {
  type Finding,
  type FindingKind,
  type ProjectedSchedule,
  type Run,
  slotOf,
  type TickState,
  tickJobId,
} from '@foliot/queue'
import {
  type CompiledRule,
  dueOf,
  nextTick,
  nextUndecided,
  previousTick,
  type RuleBook,
  type Tick,
} from '@foliot/schedules'

/** Without `expectWithinMs` a tick may be overdue so long after it has become late. */
const PATIENCE_MS = 60_000
/** What happens more often is looked at so often. */
const LOOK_EVERY_MS = 5000

/** What it is now, or was, and up to when: no more than is needed here, as there may be very many. */
interface Version {
  /** Undefined if it cannot be followed. */
  readonly rule: CompiledRule | undefined
  /** Why it cannot be, and the last time that it could name. */
  readonly trouble: { reason: string; at: number | undefined; endAt: number | undefined } | undefined
  readonly from: number
  /** Infinity for what it is now. */
  readonly until: number
  readonly paused: boolean
  readonly pausedUntil: number | undefined
  /** How long after it was due a tick may be undecided. */
  readonly limitMs: number
  /** So long after it was due nobody fires a tick any more; Infinity if late ones are made up. */
  readonly skipAfterMs: number
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
  /** The last tick that should have a job that was started, after the one of which it was said that it was not. */
  started: Pick<Tick, 'nominal' | 'due'>[]
  /** The ticks whose jobs should have ended, as far as they are not known to have. */
  ended: MaybeDue[]
  /** What was said of ticks that were undecided, of a schedule whose rule cannot be followed any more. */
  undecided: Finding[]
  /** What was said of a tick that should have a job. */
  missed?: Finding | undefined
}

export interface MaybeDue {
  nominal: number
  /** Undefined if no rule has the tick any more: it was due when its job was made, or shortly before. */
  due: number | undefined
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
  /** Ticks that were due before are not fired any more: they were late when nobody had decided them yet. */
  #skippedBefore = Number.NEGATIVE_INFINITY

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
    return scheduleOfKey(this.key)
  }

  get finishWithinMs(): number | undefined {
    return this.#now.finishWithinMs
  }

  /** As it is now. */
  get #now(): Version {
    return this.#versions.at(-1) as Version
  }

  /** @param known what was wrong with it before */
  questions(now: number, known: (kind: FindingKind) => Finding | undefined): Questions {
    const { rule, expectWithinMs, finishWithinMs } = this.#now
    if (isPaused(this.#now, now)) return { started: [], ended: [], undecided: [] }
    // Without a rule nothing tells which ticks there were: what was wrong stays so until it is mended.
    const undecided = rule ? [] : [known('missed'), known('next_in_past')].filter((one) => one !== undefined)
    const started = expectWithinMs === undefined ? [] : this.#shouldBeStarted(now, expectWithinMs, known('late'))
    const missed = expectWithinMs === undefined ? undefined : known('missed')
    if (finishWithinMs === undefined) return { started, ended: [], undecided, missed }
    const last = this.#lastDueBy(now - finishWithinMs)
    const overdue = known('overdue')?.tick
    const before = overdue === undefined ? [] : [this.maybeDue(overdue)]
    return { started, ended: last ? [...before, last] : before, undecided, missed }
  }

  #shouldBeStarted(now: number, withinMs: number, late: Finding | undefined): Questions['started'] {
    const last = this.#lastDueBy(now - withinMs)
    const after = last ? [last] : []
    if (late?.tick === undefined) return after
    const { due = late.since - withinMs } = this.maybeDue(late.tick)
    // With more time than it had before, it may have some left.
    return due > now - withinMs ? after : [{ nominal: late.tick, due }, ...after]
  }

  /** When what was planned as a tick was due. */
  maybeDue(nominal: number): MaybeDue {
    const dues = this.#versions.map(({ rule }) => rule && dueOf(rule, nominal))
    return { nominal, due: dues.findLast((due) => due !== undefined) }
  }

  /** The tick that was decided last: if it stands for times that a calendar held, those are decided as well. */
  lastDecided(decided: number): number {
    if (!this.usesCalendars) return decided
    const last = this.#versions.map(({ rule }) => rule && previousTick(rule, decided + 1))
    return last.findLast((tick) => tick?.upTo === decided)?.nominal ?? decided
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
    if (isPaused(this.#now, now)) looks.push(this.#now.pausedUntil ?? Number.POSITIVE_INFINITY)
    else {
      this.#judgeRule(now, decided, questions, found)
      this.#judgeMissed({ now, state, runs }, { decided, pending }, questions, found)
      this.#judgeExpected({ now, state, runs }, questions, found, looks)
      this.#judgeFinish({ now, runs }, questions, found, looks)
    }
    // Of each kind one.
    const findings = found.filter(({ kind }, i) => found.findIndex((other) => other.kind === kind) === i)
    // At once, unless it was looked at just before this time.
    const lookAt = Math.max(Math.min(...looks, Number.POSITIVE_INFINITY), this.#lookedAt + LOOK_EVERY_MS)
    this.#lookedAt = now
    return { findings, lookAt: findings.length > 0 ? now + recheckMs : lookAt }
  }

  /** The first tick that nobody has decided. */
  #pending(decided: number, now: number): Pending | undefined {
    for (const version of isPaused(this.#now, now) ? [this.#now] : this.#versions) {
      const { rule, paused, pausedUntil, from, until } = version
      if (!rule || (paused && pausedUntil === undefined)) continue
      const tick = nextUndecided(rule, Math.max(decided, from, paused ? (pausedUntil ?? 0) - 1 : 0))
      if (tick && tick.due <= until) return { tick, version }
    }
    return undefined
  }

  #undecided({ tick: { nominal, due }, version }: Pending, now: number): Finding | undefined {
    const { limitMs, skipAfterMs, expectWithinMs } = version
    if (now <= due + limitMs) return undefined
    const forGood = limitMs === skipAfterMs ? ', and late ticks are skipped' : ''
    const nobody = `nobody has fired or skipped it within ${limitMs} ms${forGood}`
    return expectWithinMs === undefined
      ? this.#finding('next_in_past', due, `its next time, ${iso(nominal)}, lies in the past: ${nobody}`, nominal)
      : this.#finding('missed', due + limitMs, `the tick of ${iso(nominal)} has no job: ${nobody}`, nominal)
  }

  /** Of one that was over when its rule could still be followed nothing is expected. */
  #judgeRule(now: number, decided: number, { undecided }: Questions, found: Finding[]): void {
    const { trouble } = this.#now
    if (!trouble) return
    found.push(...undecided.filter(({ tick = 0 }) => tick > decided))
    const { reason, at = Number.POSITIVE_INFINITY, endAt = Number.POSITIVE_INFINITY } = trouble
    if (at > decided && endAt > now) {
      const why = `its rule cannot be followed, so that it never fires until it or its calendar is edited: ${reason}`
      found.push(this.#finding('cannot_be_followed', now, why))
    }
  }

  /** What was missed stays so until there is a job: not when the tick is skipped for being late, nor while a later one waits. */
  #judgeMissed(
    { now, state, runs }: Pick<Facts, 'now' | 'state' | 'runs'>,
    { decided, pending }: { decided: number; pending: Pending | undefined },
    { missed }: Questions,
    found: Finding[],
  ): void {
    const lateBefore = now - (pending?.version ?? this.#now).skipAfterMs
    const held = state?.held ?? []
    const isDecided = missed?.tick !== undefined && missed.tick <= decided && !held.includes(missed.tick)
    // One that was decided before the first look was late, as far as is known.
    const isLate = pending ? pending.tick.due < lateBefore : false
    if (isLate || (isDecided && this.#lookedAt === 0)) this.#skippedBefore = lateBefore
    const last = this.lastDecided(decided)
    if (!isDecided || [missed.tick, last].some((tick) => runs.has(tickJobId(this.key, tick)))) return
    const isSkipped = (this.maybeDue(last).due ?? last) < this.#skippedBefore
    if (isSkipped || held.length > 0) found.push(missed)
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
      const until = (this.maybeDue(held).due ?? held) + expectWithinMs
      if (now > until) {
        const why = `the tick of ${iso(held)} has no job after ${expectWithinMs} ms: it waits for the job of an earlier one to end`
        found.push(this.#finding('missed', until, why, held))
      }
      looks.push(until)
    }
    const late = started.find(({ nominal }) => {
      const run = runs.get(tickJobId(this.key, nominal))
      return run && !run.isStarted && !run.hasEnded
    })
    if (late) {
      const why = `no worker has started the job of the tick of ${iso(late.nominal)} within ${expectWithinMs} ms`
      found.push(this.#finding('late', late.due + expectWithinMs, why, late.nominal))
    }
    looks.push(this.#nextLook(started.at(-1), expectWithinMs))
  }

  #judgeFinish(
    { now, runs }: Pick<Facts, 'now' | 'runs'>,
    { ended }: Questions,
    found: Finding[],
    looks: number[],
  ): void {
    const { finishWithinMs } = this.#now
    if (finishWithinMs === undefined) return
    for (const { nominal, due } of ended) {
      const id = tickJobId(this.key, nominal)
      const run = runs.get(id)
      if (!run || run.hasEnded) continue
      const until = (due ?? run.madeAt) + finishWithinMs
      const why = `the job ${id} of the tick of ${iso(nominal)} has not ended within ${finishWithinMs} ms`
      if (until <= now) found.push(this.#finding('overdue', until, why, nominal))
      else looks.push(until)
    }
    const last = ended.reduce<MaybeDue | undefined>((a, b) => (a && a.nominal > b.nominal ? a : b), undefined)
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

  #finding(kind: FindingKind, since: number, reason: string, tick?: number): Finding {
    const { tenant, id: scheduleId } = this.ref
    return { kind, tenant, scheduleId, since, reason, ...(tick !== undefined && { tick }) }
  }
}

interface Pending {
  readonly tick: Tick
  readonly version: Version
}

function versionOf(schedule: Schedule, until: number, rules: RuleBook): Version {
  const { from, paused, pausedUntil, misfire, lateAfterMs, expectWithinMs, finishWithinMs } = schedule
  const skipAfterMs = misfire === 'skip' ? lateAfterMs : Number.POSITIVE_INFINITY
  const limitMs = expectWithinMs === undefined ? lateAfterMs + PATIENCE_MS : Math.min(expectWithinMs, skipAfterMs)
  const rest = { from, until, paused, pausedUntil, limitMs, skipAfterMs, expectWithinMs, finishWithinMs }
  try {
    return { rule: rules.compile(schedule), trouble: undefined, ...rest }
  } catch (error) {
    const { at, endAt } = schedule
    return { rule: undefined, trouble: { reason: (error as Error).message, at, endAt }, ...rest }
  }
}

const isPaused = ({ paused, pausedUntil }: Pick<Version, 'paused' | 'pausedUntil'>, now: number): boolean =>
  paused && (pausedUntil === undefined || now < pausedUntil)

const iso = (ms: number): string => new Date(ms).toISOString()
