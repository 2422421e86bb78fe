import { setTimeout as sleep } from 'node:timers/promises'
import { scheduleOfKey } from '@foliot/jobs'
import type { Service } from '@foliot/lifecycle'
import {
  awaitChanges,
  changesPosition,
  denialOf,
  type Finding,
  type FindingKind,
  holdWatch,
  isRedisTrouble,
  leaveWatch,
  listSchedulers,
  type ProjectedSchedule,
  parseProjected,
  readCalendars,
  readProjected,
  readSlot,
  SLOTS,
  sayWatched,
  schedulesEpoch,
} from '@foliot/queue'
import { RuleBook } from '@foliot/schedules'
import { Complaints, type Logger } from '@foliot/telemetry'
import type { Redis } from 'ioredis'
import { Agenda } from './agenda.ts'
import { Breath } from './breath.ts'
import { FactReader, type Judged } from './fact-reader.ts'
import { FindingsBoard } from './findings-board.ts'
import { WatchedSchedule } from './watched-schedule.ts'

export interface ScheduleWatchOptions {
  /** A connection for loops. */
  redis: Redis
  /** A connection of its own: it waits on it. */
  listening: Redis
  /** Who this is, among several recorders. */
  recorder: string
  log: Pick<Logger, 'info' | 'warn' | 'error'>
  /** In ms since 1970. Default: the clock of Redis, which schedulers go by. */
  now?: () => Promise<number>
  /** How long it waits for changes between two looks. Default 1000. */
  roundMs?: number
  /** How many findings the list has at most. Default 10 000. */
  mostListed?: number
  /** The same of each tenant. Default 1000. */
  mostListedOfTenant?: number
  /** How long it waits after it has read all schedules, or failed to, before it does so again. Default 10 000. */
  readAllEveryMs?: number
}

/** Who watched and was silent for so long does no more. */
const LEASE_MS = 10_000
const RETRY_MS = 1000
/** While it reads, which may take longer. */
const RENEW_LEASE_EVERY_MS = 2000
/** Neither many changes nor an error that comes again has all schedules read again and again. */
const READ_ALL_EVERY_MS = 10_000
/** While more is due than is looked at in one round. */
const HURRY_MS = 50
/** Schedules that are looked at together. */
const BATCH = 500
/** In one round: more than are due in a second where 200 000 fire each minute. The rest follows in the next. */
const LOOKS_A_ROUND = 5000
const RECHECK_MS = 5000
const SILENT_AFTER_MS = 10_000

/** That a tick was not decided. */
const UNDECIDED: ReadonlySet<FindingKind> = new Set(['missed', 'next_in_past'])

/**
 * The watchdog: finds runs of schedules that did not happen. Of several recorders one watches, and goes by what is in Redis, apart
 * from the schedulers and without PostgreSQL. Each schedule is looked at when its next tick has had its time, seldom more.
 */
export class ScheduleWatch implements Service {
  readonly name = 'watchdog of schedules'
  readonly #options: ScheduleWatchOptions
  readonly #stopped = new AbortController()
  readonly #rules = new RuleBook()
  readonly #board: FindingsBoard
  readonly #agenda = new Agenda<WatchedSchedule>()
  readonly #schedules = new Map<string, WatchedSchedule>()
  /** Those that somebody broke by hand. */
  readonly #unreadable = new Set<string>()
  #running: Promise<void> | undefined
  #isWatching = false
  #isBehind = true
  /** There are schedules that it has not heard of yet. */
  #isHalfRead = true
  /** More was due than was looked at. */
  #isHurried = false
  #position = '0-0'
  #epoch: number | undefined
  /** By the monotonic clock. */
  #readAllAt = 0
  #heldAt = 0
  #heardAt: number | undefined
  readonly #complaints: Complaints
  readonly #facts: FactReader

  constructor(options: ScheduleWatchOptions) {
    this.#options = options
    const { redis, log, mostListed = 10_000, mostListedOfTenant = 1000 } = options
    this.#board = new FindingsBoard({ redis, log, mostListed, mostListedOfTenant })
    this.#facts = new FactReader(redis, this.#board)
    this.#complaints = new Complaints(log)
  }

  /** How many there are of each kind; undefined if another recorder watches. */
  get counts(): ReadonlyMap<FindingKind, number> | undefined {
    return this.#isWatching ? this.#board.counts() : undefined
  }

  async start(): Promise<void> {
    this.#running = this.#run()
  }

  /** Resolves when another recorder may watch. */
  async stop(): Promise<void> {
    const { redis, listening, recorder } = this.#options
    this.#stopped.abort()
    listening.disconnect()
    // With Redis away the look under way does not end, and the lease does by itself.
    if (redis.status !== 'ready') return
    await this.#running
    await leaveWatch(redis, recorder).catch((error: unknown) => this.#explain(error))
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped
    const { roundMs = 1000 } = this.#options
    while (!signal.aborted) {
      try {
        if (await this.#hold()) {
          await this.#round()
          continue
        }
        this.#stand()
        await sleep(roundMs, undefined, { signal }).catch(() => undefined)
      } catch (error) {
        // Whatever went wrong, and whatever was looked at then: everything is read again, when it is time.
        this.#isBehind = true
        if (!signal.aborted) this.#explain(error)
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined)
      }
    }
    this.#stand()
  }

  /** Takes the right to watch, or renews it. @returns false if another one has it */
  async #hold(): Promise<boolean> {
    const { redis, recorder } = this.#options
    const at = performance.now()
    const isMine = await holdWatch(redis, recorder, LEASE_MS)
    if (isMine) this.#heldAt = at
    return isMine
  }

  /** The same, as often as is needed. */
  async #keepHold(): Promise<boolean> {
    return performance.now() - this.#heldAt < RENEW_LEASE_EVERY_MS || this.#hold()
  }

  /** Another one watches. */
  #stand(): void {
    this.#isWatching = false
    this.#isBehind = true
    this.#isHalfRead = true
    this.#heardAt = undefined
    this.#readAllAt = 0
    this.#schedules.clear()
    this.#agenda.clear()
  }

  async #round(): Promise<void> {
    const { listening, redis, roundMs = 1000 } = this.#options
    if ((await schedulesEpoch(redis)) !== this.#epoch) {
      // What it knows is of no schedule any more. Once read it knows this epoch, so this does not come again and again.
      this.#isBehind = true
      this.#readAllAt = 0
    }
    if (this.#isBehind && performance.now() >= this.#readAllAt) await this.#readAll()
    if (this.#isHalfRead) {
      await sleep(roundMs, undefined, { signal: this.#stopped.signal }).catch(() => undefined)
      return
    }
    // Those that are looked at in the meantime are looked at as they were.
    if (this.#isBehind) await sleep(roundMs, undefined, { signal: this.#stopped.signal }).catch(() => undefined)
    else await this.#takeChanges(await awaitChanges(listening, this.#position, this.#isHurried ? HURRY_MS : roundMs))
    if (this.#stopped.signal.aborted) return
    const now = await this.#now()
    await this.#lookForSchedulers(now)
    const isAll = await this.#lookAround(now)
    this.#board.endRound()
    this.#isWatching = true
    this.#isHurried = !isAll
    if (isAll && !this.#isBehind) {
      const { unlisted } = this.#board
      await sayWatched(redis, { at: now, ...(unlisted.size > 0 && { unlisted: Object.fromEntries(unlisted) }) })
    }
  }

  async #now(): Promise<number> {
    if (this.#options.now) return this.#options.now()
    const [seconds, micros] = await this.#options.redis.time()
    return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
  }

  /** Ends early if another one watches by now, or it is to stop. */
  async #readAll(): Promise<void> {
    const { readAllEveryMs = READ_ALL_EVERY_MS } = this.#options
    try {
      await this.#readSlots()
    } finally {
      this.#readAllAt = performance.now() + readAllEveryMs
    }
  }

  async #readSlots(): Promise<void> {
    const { redis } = this.#options
    this.#isHalfRead = true
    this.#position = await changesPosition(redis)
    this.#epoch = await schedulesEpoch(redis)
    this.#rules.take(await readCalendars(redis))
    await this.#board.load()
    this.#schedules.clear()
    this.#unreadable.clear()
    this.#agenda.clear()
    const breath = new Breath()
    for (let slot = 0; slot < SLOTS; slot++) {
      for await (const page of readSlot(redis, slot)) {
        if (this.#stopped.signal.aborted || !(await this.#keepHold())) return
        for (const [key, text] of page) {
          this.#put(key, text)
          if (breath.isDue) await breath.take()
        }
      }
    }
    const gone = Array.from(this.#board.listed).flatMap(({ tenant, scheduleId: id }) =>
      tenant === undefined || id === undefined || !this.#isGone(`${tenant}/${id}`) ? [] : [{ tenant, id }],
    )
    await this.#board.tell(gone.map((subject) => ({ subject, findings: [] })))
    this.#isHalfRead = false
    this.#isBehind = false
  }

  /** In place of what there was of it. */
  #put(key: string, text: string | undefined): void {
    const before = this.#schedules.get(key)
    if (before) this.#agenda.drop(before)
    this.#unreadable.delete(key)
    const projected = text === undefined ? undefined : this.#parse(key, text)
    const watched = projected && WatchedSchedule.of(projected, this.#rules)
    if (!watched) {
      this.#schedules.delete(key)
      return
    }
    this.#schedules.set(key, watched)
    this.#agenda.put(watched)
  }

  /** One that somebody broke by hand does not keep the others from being watched. */
  #parse(key: string, text: string): ProjectedSchedule | undefined {
    try {
      return parseProjected(key, text)
    } catch (err) {
      const message = `schedule ${key} cannot be read from Redis, and is not watched: edit it to mend that`
      this.#options.log.error({ err, schedule: key }, message)
      this.#unreadable.add(key)
      return undefined
    }
  }

  /** What is wrong with one that cannot be read stays so. */
  #isGone(key: string): boolean {
    return !this.#schedules.has(key) && !this.#unreadable.has(key)
  }

  async #takeChanges({
    schedules,
    calendars,
    isTorn,
    position,
  }: Awaited<ReturnType<typeof awaitChanges>>): Promise<void> {
    const { redis } = this.#options
    this.#position = position
    this.#isBehind = isTorn
    if (isTorn) return
    if (calendars) {
      this.#rules.take(await readCalendars(redis))
      for (const { key, usesCalendars } of this.#schedules.values()) if (usesCalendars) schedules.add(key)
    }
    const keys = [...schedules]
    const breath = new Breath()
    // With a calendar they may be all there are.
    for (let start = 0; start < keys.length; start += BATCH) {
      const batch = keys.slice(start, start + BATCH)
      const texts = await readProjected(redis, batch)
      for (const [i, key] of batch.entries()) {
        this.#put(key, texts[i])
        if (breath.isDue) await breath.take()
      }
      if (!(await this.#keepHold()) || this.#stopped.signal.aborted) {
        this.#isBehind = true
        return
      }
    }
    const gone = keys.filter((key) => this.#isGone(key))
    await this.#board.tell(gone.map((key) => ({ subject: scheduleOfKey(key), findings: [] })))
  }

  #look(watched: WatchedSchedule, at: number): void {
    // It may be in the agenda already: what is taken out too early is put back.
    watched.lookAt = at
    this.#agenda.put(watched)
  }

  async #lookForSchedulers(now: number): Promise<void> {
    const heard = await listSchedulers(this.#options.redis)
    // Where another one watched before, it knows since when.
    this.#heardAt ??= this.#board.get('schedulers_silent', undefined)?.since
    this.#heardAt = Math.max(this.#heardAt ?? now, ...heard.values())
    const count = this.#schedules.size
    const isSilent = count > 0 && now - this.#heardAt > SILENT_AFTER_MS
    const reason = `no scheduler was heard of for more than ${SILENT_AFTER_MS / 1000} s, and there are schedules that none fires`
    const finding: Finding = { kind: 'schedulers_silent', since: this.#heardAt, reason }
    await this.#board.tell([{ subject: undefined, findings: isSilent ? [finding] : [] }])
  }

  /** @returns whether nothing that is due is left */
  async #lookAround(now: number): Promise<boolean> {
    const due = this.#agenda.take(now, LOOKS_A_ROUND)
    const live = new Set(due.filter(({ isGone, lookAt }) => !isGone && lookAt <= now))
    for (const watched of due) if (!watched.isGone && watched.lookAt > now) this.#agenda.put(watched)
    const batch = [...live]
    for (let i = 0; i < batch.length; i += BATCH) await this.#lookAt(batch.slice(i, i + BATCH), now)
    return due.length < LOOKS_A_ROUND
  }

  async #lookAt(batch: readonly WatchedSchedule[], now: number): Promise<void> {
    await this.#facts.findHomes(batch.filter(({ home }) => !home))
    const looked = await this.#facts.readStates(batch, now)
    const runs = await this.#facts.readRuns(looked, now)
    // With very many that are overdue, half of what can be looked at is left for the others.
    const recheckMs = Math.max(RECHECK_MS, (this.#board.size / LOOKS_A_ROUND) * 2000)
    const all = looked.map(({ watched, state, questions }): Judged => {
      const since = watched.home?.since || (this.#epoch ?? 0)
      const facts = { now, state, since, runs, recheckMs }
      return { watched, state, ...watched.judge(facts, questions) }
    })
    // Before it is said that nobody has decided a tick: it may have been elsewhere.
    const undecided = all.filter(({ findings }) => this.#board.news(findings).some(({ kind }) => UNDECIDED.has(kind)))
    const moved = await this.#facts.findMoved(undecided.map(({ watched }) => watched))
    for (const watched of moved) this.#look(watched, now)
    const judged = all.filter(({ watched }) => !moved.has(watched))
    await this.#facts.addLastRuns(judged)
    await this.#board.tell(judged.map(({ watched, findings }) => ({ subject: watched.ref, findings })))
    for (const { watched, lookAt } of judged) this.#look(watched, lookAt)
  }

  /** That Redis is away, refuses writes or lets nobody in is told once, by the connection to it. */
  #explain(error: unknown): void {
    const { redis } = this.#options
    if (!isRedisTrouble(error) && !denialOf(error, redis))
      this.#complaints.tell(error, 'schedules could not be watched')
  }
}
