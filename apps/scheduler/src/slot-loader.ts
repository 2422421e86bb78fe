import {
  type Catalog,
  HOMELESS_QUEUE,
  type Home,
  openSlot,
  type ProjectedSchedule,
  parseProjected,
  readHomes,
  readProjected,
  readSlot,
  slotOf,
  type TickState,
  writeHomes,
} from '@foliot/queue'
import type { RuleBook } from '@foliot/schedules'
import type { Logger } from '@foliot/telemetry'
import type { Redis } from 'ioredis'
import type { Firing } from './firing.ts'
import { Plan, type Version } from './plan.ts'

export interface SlotLoaderOptions {
  /** A connection for loops. */
  redis: Redis
  catalog: Catalog
  rules: RuleBook
  firing: Firing
  log: Logger
}

/** Somebody has decided in a slot under a later token than that by which it is held. */
export class FencedSlot extends Error {
  constructor(slot: number) {
    super(`expected to decide the ticks of slot ${slot}, found that another scheduler does`)
  }
}

/** Redis has lost what it had: so much of what was due before is made up, or repeated. */
const REPEATED_MS = 60_000

/** Reads schedules from Redis, with what was decided of them, and has them fired. */
export class SlotLoader {
  readonly #options: SlotLoaderOptions
  /** When the definitions in Redis were begun, in ms. */
  epoch = 0

  constructor(options: SlotLoaderOptions) {
    this.#options = options
  }

  /** All schedules of a slot that is held, in place of those that were known. */
  async load(slot: number, signal: AbortSignal): Promise<void> {
    const { redis, firing } = this.#options
    const found = new Set<string>()
    for await (const page of readSlot(redis, slot)) {
      if (signal.aborted) return
      for (const [key] of page) found.add(key)
      await this.#put(slot, page)
    }
    firing.retain(slot, found)
  }

  /** Schedules that have changed, of slots that are held. */
  async reload(keys: Iterable<string>): Promise<void> {
    const bySlot = new Map<number, string[]>()
    for (const key of keys) {
      const slot = slotOf(key)
      if (this.#options.firing.tokenOf(slot) !== undefined) bySlot.set(slot, [...(bySlot.get(slot) ?? []), key])
    }
    for (const [slot, changed] of bySlot) {
      const texts = await readProjected(this.#options.redis, changed)
      await this.#put(
        slot,
        changed.flatMap((key, i) => (texts[i] === undefined ? [] : [[key, texts[i]] as const])),
      )
    }
  }

  async #put(slot: number, page: readonly (readonly [key: string, text: string])[]): Promise<void> {
    const { redis, firing } = this.#options
    const token = firing.tokenOf(slot)
    if (token === undefined || page.length === 0) return
    const found = page.flatMap(([key, text]) => this.#parse(key, text) ?? [])
    const homes = await this.#homesOf(slot, found)
    const byQueue = new Map<string, ProjectedSchedule[]>()
    for (const schedule of found) {
      const { queue } = homes.get(schedule.key) as Home
      const together = byQueue.get(queue)
      if (together) together.push(schedule)
      else byQueue.set(queue, [schedule])
    }
    for (const [queue, schedules] of byQueue) {
      const keys = schedules.map(({ key }) => key)
      const states = await openSlot(redis, queue, { slot, token }, keys)
      if (!states) throw new FencedSlot(slot)
      // It was given up meanwhile.
      if (firing.tokenOf(slot) !== token) return
      schedules.forEach((schedule, i) => {
        firing.put(this.#planOf(slot, schedule, homes.get(schedule.key) as Home, states[i] as TickState))
      })
    }
  }

  /** One that somebody broke by hand does not keep the others from being read. */
  #parse(key: string, text: string): ProjectedSchedule | undefined {
    try {
      return parseProjected(key, text)
    } catch (err) {
      this.#options.log.error({ err, schedule: key }, `schedule ${key} cannot be read from Redis: edit it to mend that`)
      return undefined
    }
  }

  /** A new schedule is given the queue of its type. */
  async #homesOf(slot: number, found: readonly ProjectedSchedule[]): Promise<Map<string, Home>> {
    const { redis, catalog } = this.#options
    const known = await readHomes(
      redis,
      slot,
      found.map(({ key }) => key),
    )
    const all = new Map<string, Home>()
    const made = new Map<string, Home>()
    found.forEach(({ key, current, earlier }, i) => {
      const type = (earlier[0]?.schedule ?? current)?.type ?? ''
      const home = known[i] ?? { queue: catalog.typeOf(type)?.queue ?? HOMELESS_QUEUE, since: 0 }
      all.set(key, home)
      if (!known[i]) made.set(key, home)
    })
    await writeHomes(redis, slot, made)
    return all
  }

  #planOf(slot: number, { key, revision, current, earlier }: ProjectedSchedule, home: Home, state: TickState): Plan {
    const { firing, rules } = this.#options
    const versions: Version[] = [
      ...earlier,
      ...(current ? [{ schedule: current, until: Number.POSITIVE_INFINITY }] : []),
    ]
    const before = firing.plan(slot, key)?.decided
    // What was decided is known, or was lost with the rest when the definitions were begun anew.
    const known = state.decided ?? (home.since || (before ?? this.epoch - REPEATED_MS))
    const decided = Math.max(before ?? 0, home.since, known)
    return new Plan({ key, slot, revision, versions, rules, home: home.queue, decided, held: state.held })
  }
}
