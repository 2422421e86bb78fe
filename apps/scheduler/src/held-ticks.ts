import { type Catalog, cancelJob, decideTicks, openSlot, type TickDecision, type TickResult } from '@foliot/queue'
import type { SchedulerMetrics } from '@foliot/telemetry'
import type { Redis } from 'ioredis'
import type { Plan } from './plan.ts'
import type { RedisClock } from './redis-clock.ts'
import { toRelease } from './tick-decisions.ts'

export interface HeldTicksOptions {
  /** A connection for loops. */
  redis: Redis
  catalog: Catalog
  clock: RedisClock
  metrics: SchedulerMetrics
  /** Whether what is known is as new as it has to be to go by it. */
  isFresh: () => boolean
  /** The token by which a slot is held. */
  tokenOf: (slot: number) => number | undefined
  /** The job type of a schedule is in another queue by now. */
  onMoved: (plan: Plan) => void
  /** Another scheduler has decided in a slot under a later token. */
  onFenced: (slot: number) => void
  onError: (error: unknown) => void
}

/** How often it is looked whether a job has ended that a tick waits for. */
const LOOK_EVERY_MS = 200
/** Schedules that are looked at together. */
const BATCH = 200

/** Ticks that wait for an earlier job of their schedule to end. Redis knows of them; this looks when they may fire. */
export class HeldTicks {
  readonly #options: HeldTicksOptions
  /** Those that have any. */
  readonly #plans = new Set<Plan>()
  /** Those that are being read. */
  readonly #reading = new Set<Plan>()
  #timer: NodeJS.Timeout | undefined
  #isLooking = false

  constructor(options: HeldTicksOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** @param ticks that wait, the first one first */
  set(plan: Plan, ticks: readonly number[]): void {
    plan.held = ticks
    if (ticks.length > 0 && !plan.isGone) this.#plans.add(plan)
    else this.#plans.delete(plan)
  }

  forget(plan: Plan): void {
    this.#plans.delete(plan)
  }

  /**
   * One more waits.
   *
   * @param plan undefined if its slot was given up meanwhile
   * @param open some of the jobs that it waits for
   */
  add(plan: Plan | undefined, tick: number, open: readonly string[]): void {
    if (!plan || plan.held.includes(tick)) return
    const cancels = plan.schedule?.overlap === 'cancel_running'
    this.set(plan, cancels ? [tick] : [...plan.held, tick].sort((a, b) => a - b))
    if (cancels) void this.#cancel(plan, open)
  }

  /** Asks Redis, which knows of other ticks that wait than we do. */
  async read(plan: Plan): Promise<void> {
    const { redis, tokenOf, onError } = this.#options
    const { home, slot, key } = plan
    const token = tokenOf(slot)
    if (token === undefined || plan.isGone || this.#reading.has(plan)) return
    this.#reading.add(plan)
    try {
      const [state] = (await openSlot(redis, home, { slot, token }, [key])) ?? []
      this.set(plan, state?.held ?? [])
    } catch (error) {
      onError(error)
    } finally {
      this.#reading.delete(plan)
    }
  }

  async #cancel({ home, schedule }: Plan, open: readonly string[]): Promise<void> {
    const by = { by: `schedule ${schedule?.id}`, reason: 'the next tick is due, and overlap is cancel_running' }
    // One that has ended meanwhile is none to cancel; with Redis away it is tried again when the tick is looked at.
    await Promise.allSettled(open.map((id) => cancelJob(this.#options.redis, { queue: home, id }, by)))
  }

  async #look(): Promise<void> {
    const { isFresh, onError } = this.#options
    if (this.#isLooking || this.#plans.size === 0 || !isFresh()) return
    this.#isLooking = true
    try {
      for (const [queue, plans] of Map.groupBy(this.#plans, ({ home }) => home))
        for (let i = 0; i < plans.length; i += BATCH) await this.#release(queue, plans.slice(i, i + BATCH))
    } catch (error) {
      onError(error)
    } finally {
      this.#isLooking = false
    }
  }

  /** Has those fire whose jobs have ended. */
  async #release(queue: string, plans: readonly Plan[]): Promise<void> {
    const { catalog, clock, redis, tokenOf, onMoved } = this.#options
    const now = Math.floor(clock.now())
    const asked: { plan: Plan; decision: TickDecision }[] = []
    for (const plan of plans) {
      const token = tokenOf(plan.slot)
      const type = catalog.typeOf(plan.schedule?.type ?? '')
      const [tick] = plan.held
      if (plan.isGone || tick === undefined || token === undefined) {
        this.forget(plan)
        continue
      }
      if (type && type.queue !== plan.home) {
        onMoved(plan)
        continue
      }
      const decision = toRelease(plan, tick, { token, type, now })
      if (decision) asked.push({ plan, decision })
    }
    if (asked.length === 0) return
    const decisions = asked.map(({ decision }) => decision)
    const results = await decideTicks(redis, queue, decisions, { now, maxDepth: undefined })
    for (const [i, { plan, decision }] of asked.entries()) this.#take(plan, decision.tick, results[i] as TickResult)
  }

  #take(plan: Plan, tick: number, result: TickResult): void {
    const { metrics, onFenced } = this.#options
    if (result.kind === 'fenced') {
      onFenced(plan.slot)
    } else if (result.kind === 'held') {
      // The last request to end may have met a Redis that was away.
      if (plan.schedule?.overlap === 'cancel_running') void this.#cancel(plan, result.open)
    } else {
      this.set(
        plan,
        plan.held.filter((other) => other !== tick),
      )
      // How long it waited for another job says nothing of schedulers.
      if (result.kind === 'fired') metrics.ticks('fired', 1)
      else void this.read(plan)
    }
  }
}
