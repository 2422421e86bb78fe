import type { Schedule } from '@foliot/jobs'
import type { Service } from '@foliot/lifecycle'
import {
  ANNOUNCE_EVERY_MS,
  type Catalog,
  decideTicks,
  denialOf,
  HOMELESS_QUEUE,
  isRedisTrouble,
  leaveHome,
  openSlot,
  settleSchedule,
  type TickDecision,
  type TickResult,
  writeHomes,
} from '@foliot/queue'
import { Complaints, type Logger, type SchedulerMetrics } from '@foliot/telemetry'
import type { Redis } from 'ioredis'
import { Batch } from './batch.ts'
import { DueHeap } from './due-heap.ts'
import { HeldTicks } from './held-ticks.ts'
import type { Plan, Step } from './plan.ts'
import { ReadyPlans } from './ready-plans.ts'
import type { RedisClock } from './redis-clock.ts'
import { type DecisionContext, lastOf, toDecisions } from './tick-decisions.ts'

export interface FiringOptions {
  /** A connection for loops. */
  redis: Redis
  catalog: Catalog
  clock: RedisClock
  metrics: SchedulerMetrics
  /** Whether what is known is as new as it has to be to go by it. */
  isFresh: () => boolean
  log: Logger
}

/** Schedules that are looked at together. */
const BATCH = 200
/** A job type that is not known may be announced in a moment: by a worker that starts, or to a Redis that was flushed. */
const TYPE_PATIENCE_MS = ANNOUNCE_EVERY_MS + 2000
/** How often such a schedule is looked at. */
const TYPE_LOOK_MS = 1000
/** So many replaced schedules among those to be looked at are dropped, if they are half of all. */
const GONE_MOST = 1000
/** Batches that are under way at a time. */
const LANES = 4
const RETRY_MS = 200
const STALE_LOOK_MS = 20
/** Batches. */
const ANSWERED_MOST = 100
/** The revision of a schedule that was deleted stays so long. */
const FORGET_AFTER_MS = 60_000
const LOOK_AT_LEAST_EVERY_MS = 1000

interface Held {
  token: number
  readonly plans: Map<string, Plan>
}

/**
 * Fires the ticks of the schedules whose slots are held. Redis decides each tick once: whatever happens to an answer, to ask
 * again changes nothing.
 */
export class Firing implements Service {
  readonly name = 'firing'
  readonly #options: FiringOptions
  readonly #slots = new Map<number, Held>()
  readonly #heap = new DueHeap<Plan>()
  readonly #ready = new ReadyPlans()
  readonly #heldTicks: HeldTicks
  readonly #underWay = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined
  #isStopped = false
  /** What Redis has answered and is not taken up yet. */
  readonly #answered: { batch: Batch; results: readonly TickResult[]; at: number }[] = []
  /** Of those in the heap, how many were replaced. */
  #gone = 0
  readonly #complaints: Complaints

  constructor(options: FiringOptions) {
    this.#options = options
    this.#complaints = new Complaints(options.log)
    this.#heldTicks = new HeldTicks({
      ...options,
      tokenOf: (slot) => this.tokenOf(slot),
      onMoved: (plan) => this.#again([plan]),
      onFenced: (slot) => this.#loseSlot(slot),
      onError: (error) => this.#explain(error),
    })
  }

  async start(): Promise<void> {
    this.#heldTicks.start()
  }

  /** Resolves when what was under way is decided. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#heldTicks.stop()
    clearTimeout(this.#timer)
    for (const slot of this.#slots.keys()) this.#forget(slot)
    // A Redis that is away decides nothing, and is not waited for.
    if (this.#options.redis.status === 'ready') await Promise.all(this.#underWay)
  }

  /** How many schedules it has. */
  get size(): number {
    let size = 0
    for (const { plans } of this.#slots.values()) size += plans.size
    return size
  }

  /** The token by which a slot is held. */
  tokenOf(slot: number): number | undefined {
    return this.#slots.get(slot)?.token
  }

  plan(slot: number, key: string): Plan | undefined {
    return this.#slots.get(slot)?.plans.get(key)
  }

  /** Those whose rule names a calendar. */
  *plansWithCalendars(): Generator<Plan> {
    for (const { plans } of this.#slots.values())
      for (const plan of plans.values()) if (plan.schedule?.calendars) yield plan
  }

  /** Begins with a slot. What was known of it is forgotten: another scheduler may have had it. */
  take(slot: number, token: number): void {
    this.#forget(slot)
    this.#slots.set(slot, { token, plans: new Map() })
  }

  /** Goes on with a slot under another token: Redis has lost the last one, and nobody else has had the slot. */
  keep(slot: number, token: number): void {
    const held = this.#slots.get(slot)
    if (held) this.#slots.set(slot, { ...held, token })
    else this.take(slot, token)
  }

  /** Drops schedules of a slot that are no more. */
  retain(slot: number, keys: ReadonlySet<string>): void {
    const plans = this.#slots.get(slot)?.plans
    for (const [key, plan] of plans ?? []) {
      if (keys.has(key)) continue
      this.#retire(plan)
      plans?.delete(key)
    }
  }

  /** Ends a slot. Resolves when nothing of it is under way any more. */
  async drop(slot: number): Promise<void> {
    this.#forget(slot)
    await Promise.all(this.#underWay)
  }

  #forget(slot: number): void {
    for (const plan of this.#slots.get(slot)?.plans.values() ?? []) this.#retire(plan)
    this.#slots.delete(slot)
  }

  #retire(plan: Plan): void {
    plan.isGone = true
    this.#heldTicks.forget(plan)
    if (plan.isQueued) this.#gone += 1
    if (this.#gone < Math.max(GONE_MOST, this.#heap.size / 2)) return
    this.#heap.retain(({ isGone }) => !isGone)
    this.#gone = 0
  }

  /** In place of what there was of the same schedule, if its slot is held. */
  put(plan: Plan): void {
    const held = this.#slots.get(plan.slot)
    if (!held) return
    const before = held.plans.get(plan.key)
    // What was read before a change may come after it.
    if (before && before.revision > plan.revision) return
    if (before) this.#retire(before)
    held.plans.set(plan.key, plan)
    if (plan.trouble) this.#tellTrouble(plan)
    this.#heldTicks.set(plan, plan.held)
    this.#schedule(plan)
    this.#settle(plan)
    this.#wake()
  }

  #tellTrouble({ key, trouble }: Plan): void {
    const { log } = this.#options
    log.error(
      { schedule: key, err: trouble },
      `schedule ${key} cannot be followed until it is edited: ${trouble?.message}`,
    )
  }

  /** A plan stands in one place at a time, whoever asks for it. */
  #schedule(plan: Plan): void {
    if (plan.isGone || plan.isQueued || plan.dueAt === Number.POSITIVE_INFINITY) return
    plan.isQueued = true
    this.#heap.push(plan)
  }

  #wake(): void {
    clearTimeout(this.#timer)
    if (this.#isStopped) return
    const next = this.#heap.peek()
    if (this.#ready.size === 0 && !next) return
    const { clock } = this.#options
    const waitMs = this.#ready.size > 0 ? 0 : Math.max(0, Math.ceil((next as Plan).dueAt - clock.now()))
    if (waitMs === 0) this.#timer = setTimeout(() => this.#pump(), 0)
    else this.#timer = setTimeout(() => this.#pump(), Math.min(waitMs, LOOK_AT_LEAST_EVERY_MS))
  }

  /** Sends what is due, as far as lanes are free. */
  #pump(): void {
    if (this.#isStopped) return
    if (!this.#options.isFresh()) {
      clearTimeout(this.#timer)
      this.#timer = setTimeout(() => this.#pump(), STALE_LOOK_MS)
      return
    }
    const now = this.#options.clock.now()
    for (let next = this.#heap.peek(); next && next.dueAt <= now; next = this.#heap.peek()) {
      this.#heap.pop()
      if (!next.isGone) this.#ready.add(next)
    }
    while (this.#underWay.size < LANES && this.#ready.size > 0) {
      const plans = this.#ready.take(BATCH)
      for (const plan of plans) plan.isQueued = false
      const live = plans.filter(({ isGone }) => !isGone)
      for (const [queue, together] of Map.groupBy(live, ({ home }) => home)) this.#begin(this.#fire(queue, together))
    }
    // What is due goes first, and what became of the rest is taken up afterwards.
    if (this.#ready.size === 0 || this.#answered.length >= ANSWERED_MOST) this.#takeAnswers()
    if (this.#underWay.size < LANES) this.#wake()
  }

  #takeAnswers(): void {
    for (const { batch, results, at } of this.#answered.splice(0)) {
      let i = 0
      for (const { plan, step, decisions } of batch.parts) {
        this.#take(plan, step, results.slice(i, i + decisions.length), decisions, at)
        i += decisions.length
        plan.advanceTo(lastOf(decisions.at(-1) as TickDecision))
        this.#schedule(plan)
        this.#settle(plan)
      }
    }
  }

  #begin(work: Promise<void>): void {
    const tracked = work.finally(() => {
      this.#underWay.delete(tracked)
      this.#pump()
    })
    this.#underWay.add(tracked)
  }

  async #fire(queue: string, plans: readonly Plan[]): Promise<void> {
    const { redis, catalog, clock } = this.#options
    const now = Math.floor(clock.now())
    const moving: Plan[] = []
    const batch = new Batch()
    const later: Plan[] = []
    for (const plan of plans) {
      const type = catalog.typeOf(plan.schedule?.type ?? '')
      const token = this.tokenOf(plan.slot)
      if (token === undefined) continue
      if (type && type.queue !== plan.home) moving.push(plan)
      else if (batch.isFull) later.push(plan)
      else this.#decide(plan, { token, type, now }, batch)
    }
    this.#again(later)
    try {
      await Promise.all(moving.map((plan) => this.#move(plan)))
      if (batch.decisions.length === 0) return
      const maxDepth = catalog.maxDepthOf(queue)
      const results = await decideTicks(redis, queue, batch.decisions, { now, maxDepth })
      this.#answered.push({ batch, results, at: clock.now() })
    } catch (error) {
      this.#explain(error)
      setTimeout(() => this.#again(plans), RETRY_MS)
    }
  }

  /** What is to become of the ticks of one schedule that are due. */
  #decide(plan: Plan, context: DecisionContext, batch: Batch): void {
    const { type, now } = context
    try {
      const { skip, fire } = plan.step(now)
      const [first] = fire
      if (!type && first && now - first.due < TYPE_PATIENCE_MS) {
        plan.dueAt = now + TYPE_LOOK_MS
        this.#schedule(plan)
        return
      }
      // The rest has its turn when these are decided.
      const step = { skip, fire: fire.slice(0, batch.roomFor(plan)) }
      const decisions = toDecisions(plan, step, context)
      if (decisions.length > 0) batch.add({ plan, step, decisions })
      else this.#schedule(plan)
    } catch (error) {
      plan.giveUp(error as Error)
      this.#tellTrouble(plan)
    }
  }

  #again(plans: readonly Plan[]): void {
    for (const plan of plans) {
      if (plan.isGone || plan.isQueued) continue
      plan.isQueued = true
      this.#ready.add(plan)
    }
    this.#wake()
  }

  #take(plan: Plan, step: Step, results: readonly TickResult[], decisions: readonly TickDecision[], now: number): void {
    const { metrics } = this.#options
    const dueOf = new Map(step.fire.map(({ nominal, due }) => [nominal, due]))
    results.forEach((result, i) => {
      const { tick } = decisions[i] as TickDecision
      const due = dueOf.get(tick) ?? tick
      switch (result.kind) {
        case 'fired':
          metrics.fired((now - due) / 1000)
          break
        case 'skipped':
          metrics.ticks(step.skip?.outcome ?? 'skipped', step.skip?.count ?? 1)
          break
        case 'overlapped':
        case 'full':
          metrics.ticks('skipped', 1)
          if (result.kind === 'overlapped' && plan.schedule?.overlap !== 'skip' && plan.held.length === 0)
            void this.#heldTicks.read(plan)
          break
        case 'held':
          // A schedule that was edited meanwhile goes on with its ticks that wait.
          this.#heldTicks.add(this.plan(plan.slot, plan.key), tick, result.open)
          break
        case 'fenced':
          this.#loseSlot(plan.slot)
          break
        case 'known':
          break
      }
    })
  }

  /** Another scheduler has decided there under a later token. Who keeps the slots will hear of it. */
  #loseSlot(slot: number): void {
    if (!this.#slots.has(slot)) return
    this.#options.log.info({ slot }, 'another scheduler has taken over a slot of this one')
    this.#forget(slot)
  }

  /** Its job type is in another queue than before: its ticks are decided there from now on. */
  async #move(plan: Plan): Promise<void> {
    const { catalog, redis } = this.#options
    const { key, slot, home, schedule, decided } = plan
    const queue = catalog.typeOf((schedule as Schedule).type)?.queue ?? HOMELESS_QUEUE
    const token = this.tokenOf(slot)
    if (token === undefined) return
    await writeHomes(redis, slot, new Map([[key, { queue, since: decided }]]))
    const states = await openSlot(redis, queue, { slot, token }, [key])
    if (!states) return this.#loseSlot(slot)
    await leaveHome(redis, home, key, `its job type moved from queue ${home} to ${queue} while it waited for a job`)
    plan.home = queue
    this.#heldTicks.set(plan, states[0]?.held ?? [])
    this.#again([plan])
  }

  /** What it was before is of no concern any more, once its last tick was decided. */
  #settle(plan: Plan): void {
    if (!plan.isSettled || plan.isCleared) return
    plan.isCleared = true
    const { redis } = this.#options
    const { key, revision, home, schedule, slot } = plan
    const settle = async (): Promise<void> => {
      // It was made again meanwhile: then it is that one's concern.
      if ((plan.hasEarlier || !schedule) && !(await settleSchedule(redis, key, revision))) return
      if (schedule) return
      await leaveHome(redis, home, key, 'the schedule was deleted while it waited for a job')
      this.#heldTicks.forget(plan)
      // Until then whoever read it before it was deleted does not revive it.
      setTimeout(() => {
        settleSchedule(redis, key, revision, true).catch((error: unknown) => this.#explain(error))
        const plans = this.#slots.get(slot)?.plans
        if (plans?.get(key) === plan) plans.delete(key)
      }, FORGET_AFTER_MS).unref()
    }
    // Who has the slot next does it again.
    settle().catch((error: unknown) => this.#explain(error))
  }

  /** That Redis is away, refuses writes or lets nobody in is told once, by the connection to it. */
  #explain(error: unknown): void {
    const { redis } = this.#options
    if (!isRedisTrouble(error) && !denialOf(error, redis)) this.#complaints.tell(error, 'ticks could not be decided')
  }
}
