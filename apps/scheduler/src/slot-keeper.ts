import { setTimeout as sleep } from 'node:timers/promises'
import type { Service } from '@foliot/lifecycle'
import { type Catalog, denialOf, type HeldSlots, holdSlots, isRedisTrouble, leaveSlots, SLOTS } from '@foliot/queue'
import { shareSlots } from '@foliot/schedules'
import { Complaints, type Logger } from '@foliot/telemetry'
import type { Redis } from 'ioredis'
import type { Firing } from './firing.ts'
import type { RedisClock } from './redis-clock.ts'
import { FencedSlot, type SlotLoader } from './slot-loader.ts'

export interface SlotKeeperOptions {
  /** A connection for loops. */
  redis: Redis
  /** Who this is, among several schedulers. */
  scheduler: string
  catalog: Catalog
  clock: RedisClock
  firing: Firing
  loader: SlotLoader
  log: Logger
}

/** A scheduler that was silent for so long is gone: the others take its slots. */
const LEASE_MS = 2500
/** How often leases are renewed. */
const ROUND_MS = 400
const LOADED_AT_A_TIME = 2
const RELOAD_WITHIN_MS = 10_000

/** Shares the slots with the other schedulers: holds those that are this one's, and gives up those that are not any more. */
export class SlotKeeper implements Service {
  readonly name = 'slots'
  readonly #options: SlotKeeperOptions
  readonly #stopped = new AbortController()
  readonly #held = new Map<number, number>()
  #schedulers: string[] = []
  #epoch: number | undefined
  #running: Promise<void> | undefined
  #loading: Promise<unknown> = Promise.resolve()
  #toLoad: number[] = []
  #heardAt = Number.NEGATIVE_INFINITY
  #reloadAskedAt: number | undefined
  /** Slots under whose tokens nothing can be decided. */
  readonly #fenced = new Set<number>()
  /** Slots that are not read yet. */
  #unread = 0
  readonly #complaints: Complaints

  constructor(options: SlotKeeperOptions) {
    this.#options = options
    this.#complaints = new Complaints(options.log)
  }

  /** Whether Redis has answered lately, and what is held is read. */
  get isReady(): boolean {
    return performance.now() - this.#heardAt < 2 * LEASE_MS && this.#unread === 0
  }

  /** When Redis last answered, on the clock of `performance.now()`. */
  get heardAt(): number {
    return this.#heardAt
  }

  /** Whether this scheduler does what one of them has to do for all. */
  get isFirst(): boolean {
    return this.#held.has(0)
  }

  async start(): Promise<void> {
    this.#running = this.#run()
  }

  /** Resolves when nothing is under way and the slots are given back. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    const { redis, scheduler, firing } = this.#options
    // A Redis that is away forgets them by itself, and is not waited for.
    if (redis.status !== 'ready') return
    await this.#running
    await this.#loading
    await Promise.all(Array.from(this.#held.keys(), (slot) => firing.drop(slot)))
    await leaveSlots(redis, scheduler, [...this.#held.keys()])
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      const again = await this.#round().catch((error: unknown) => this.#explain(error))
      if (!again) await sleep(ROUND_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  /** @returns whether who is there has changed, so that others may be wanted now */
  async #round(): Promise<boolean> {
    const { redis, scheduler, clock, catalog, firing } = this.#options
    const owners = shareSlots(SLOTS, this.#schedulers)
    // One that is held under too low a token is given back, to be taken again under a greater one.
    const fenced = new Set(this.#fenced)
    this.#fenced.clear()
    const isWanted = (slot: number): boolean => owners[slot] === scheduler && !fenced.has(slot)
    const wanted = owners.flatMap((_, slot) => (isWanted(slot) ? [slot] : []))
    const unwanted = [...new Set([...this.#held.keys(), ...fenced])].filter((slot) => !isWanted(slot))
    await Promise.all(unwanted.map((slot) => firing.drop(slot)))
    const askedAt = performance.now()
    const [held] = await Promise.all([
      holdSlots(redis, { scheduler, ttlMs: LEASE_MS, wanted, unwanted }),
      catalog.refresh(),
    ])
    clock.set(held.now, askedAt)
    this.#heardAt = performance.now()
    this.#take(held)
    const isOther = held.schedulers.join(' ') !== this.#schedulers.join(' ')
    this.#schedulers = held.schedulers
    return isOther
  }

  #take({ tokens, epoch, revision }: HeldSlots): void {
    const { firing, loader, log } = this.#options
    const isLost = this.#epoch !== undefined && epoch !== this.#epoch
    if (isLost) {
      log.warn('Redis has lost the schedules: those that are known go on firing, and are read anew when they are back')
      this.reload()
    }
    this.#epoch = epoch
    loader.epoch = epoch ?? 0
    for (const slot of this.#held.keys()) {
      if (tokens.has(slot)) continue
      this.#held.delete(slot)
      void firing.drop(slot)
    }
    for (const [slot, token] of tokens) {
      const isSame = this.#held.get(slot) === token && firing.tokenOf(slot) === token
      this.#held.set(slot, token)
      if (isSame) continue
      if (isLost) {
        firing.keep(slot, token)
        continue
      }
      firing.take(slot, token)
      this.#read(slot)
    }
    if (this.#isToReload(epoch, revision)) {
      this.#reloadAskedAt = undefined
      for (const slot of this.#held.keys()) this.#read(slot)
    }
    if (this.#toLoad.length > 0) this.#loading = this.#load()
  }

  #read(slot: number): void {
    if (this.#toLoad.includes(slot)) return
    this.#toLoad.push(slot)
    this.#unread += 1
  }

  /** What Redis has lost comes back piece by piece: without a revision it is not whole yet, and without an epoch not begun. */
  #isToReload(epoch: number | undefined, revision: number | undefined): boolean {
    const askedAt = this.#reloadAskedAt
    if (askedAt === undefined || epoch === undefined) return false
    return revision !== undefined || performance.now() - askedAt > RELOAD_WITHIN_MS
  }

  async #load(): Promise<void> {
    await this.#loading
    const lane = async (): Promise<void> => {
      for (let slot = this.#toLoad.pop(); slot !== undefined; slot = this.#toLoad.pop()) {
        if (this.#stopped.signal.aborted) return
        await this.#options.loader.load(slot, this.#stopped.signal).catch((error: unknown) => {
          // It is taken anew, and read then.
          this.#held.delete(slot as number)
          if (error instanceof FencedSlot) this.#fenced.add(slot as number)
          else this.#explain(error)
        })
        this.#unread -= 1
      }
    }
    await Promise.all(Array.from({ length: LOADED_AT_A_TIME }, lane))
  }

  /** Has all slots read again, soon. What is known goes on firing until then. */
  reload(): void {
    this.#reloadAskedAt ??= performance.now()
  }

  /** That Redis is away, refuses writes or lets nobody in is told once, by the connection to it. */
  #explain(error: unknown): false {
    const { redis } = this.#options
    if (!isRedisTrouble(error) && !denialOf(error, redis)) this.#complaints.tell(error, 'slots could not be kept')
    return false
  }
}
