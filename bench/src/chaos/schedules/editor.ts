import { setTimeout as sleep } from 'node:timers/promises'
import type { Call, Caller } from '../caller.ts'
import type { Random } from '../random.ts'
import { Slots } from '../slots.ts'
import { edited, type NewSchedule, type quietMinutes } from './definitions.ts'
import type { ScheduleLedger, ScheduleRecord, Version } from './ledger.ts'

export interface EditorOptions {
  caller: Caller
  ledger: ScheduleLedger
  random: Random
  /** Told each change, a line. */
  note(line: string): void
  signal: AbortSignal
}

/** Between two tries of the same request, in ms. */
const RETRY_MS = 200
const TIMEOUT_MS = 10_000
const AT_ONCE = 8
/** Between two changes. */
const GAPS_MS = [100, 500] as const
/** A schedule is left alone so long after a change. */
const LEFT_ALONE_MS = 6000
const PAUSES_MS = [3000, 9000] as const

/** Part of an answer: a schedule. */
interface Answered {
  updatedAt: string
}

/** Makes schedules, edits, pauses and resumes them, as people do through REST, and has the ledger know of it. */
export class Editor {
  readonly #options: EditorOptions
  readonly #busy = new Set<string>()
  #changes = 0

  constructor(options: EditorOptions) {
    this.#options = options
  }

  async makeCalendar(calendar: ReturnType<typeof quietMinutes>): Promise<void> {
    const { name, ...body } = calendar
    await this.#ask(`/v1/calendars/${name}`, { method: 'PUT', body })
  }

  async make(schedules: readonly NewSchedule[]): Promise<void> {
    const slots = new Slots(AT_ONCE)
    await Promise.all(schedules.map(({ id, body }) => slots.run(() => this.#put(id, body))))
  }

  /**
   * Changes one schedule after the other, whichever there are. Resolves when all changes are answered.
   *
   * @param endAt by `performance.now()`
   */
  async changeUntil(endAt: number): Promise<void> {
    const { random, ledger, signal } = this.#options
    const underWay: Promise<void>[] = []
    const failed = Promise.withResolvers<never>()
    while (performance.now() < endAt) {
      const { records } = ledger
      const record = records[random.between(0, records.length - 1)]
      if (record && !this.#isBusy(record)) underWay.push(this.#change(record).catch(failed.reject))
      await Promise.race([sleep(random.between(...GAPS_MS), undefined, { signal }), failed.promise])
    }
    await Promise.race([Promise.all(underWay), failed.promise])
  }

  /** Pauses all schedules at once, for good. */
  async pauseAll(): Promise<void> {
    const { ledger, note } = this.#options
    const sentAt = Date.now()
    await this.#ask('/v1/schedules/pause', { method: 'POST', body: { all: true, reason: 'the run is over' } })
    const answeredAt = Date.now()
    for (const { id, versions } of ledger.records) {
      const { body } = versions.at(-1) as Version
      ledger.add(id, { body, pause: {}, sentAt, answeredAt }, sentAt)
    }
    note('all schedules are paused')
  }

  #isBusy({ id, versions }: ScheduleRecord): boolean {
    return this.#busy.has(id) || Date.now() - (versions.at(-1) as Version).answeredAt < LEFT_ALONE_MS
  }

  async #change({ id, versions }: ScheduleRecord): Promise<void> {
    const { random, note } = this.#options
    const { body, pause } = versions.at(-1) as Version
    this.#busy.add(id)
    try {
      if (pause !== undefined && random.next() < 0.6) {
        note(`${id} is resumed`)
        await this.#turn(id, 'resume', { body })
      } else if (pause === undefined && random.next() < 0.5) {
        const until = random.next() < 0.4 ? Date.now() + random.between(...PAUSES_MS) : undefined
        note(`${id} is paused${until === undefined ? '' : ` until ${new Date(until).toISOString()}`}`)
        await this.#turn(id, 'pause', { body, pause: until === undefined ? {} : { until } })
      } else {
        note(`${id} is edited`)
        await this.#put(id, edited(random, id, body, ++this.#changes))
      }
    } finally {
      this.#busy.delete(id)
    }
  }

  async #put(id: string, body: Version['body']): Promise<void> {
    const sentAt = Date.now()
    const { updatedAt } = await this.#ask<Answered>(`/v1/schedules/${id}`, { method: 'PUT', body })
    this.#options.ledger.add(id, { body, sentAt, answeredAt: Date.now() }, Date.parse(updatedAt))
  }

  async #turn(id: string, verb: 'pause' | 'resume', version: Pick<Version, 'body' | 'pause'>): Promise<void> {
    const until = version.pause?.until
    const body =
      verb === 'resume'
        ? undefined
        : { reason: 'chaos', ...(until !== undefined && { until: new Date(until).toISOString() }) }
    const sentAt = Date.now()
    const { updatedAt } = await this.#ask<Answered>(`/v1/schedules/${id}/${verb}`, {
      method: 'POST',
      ...(body && { body }),
    })
    this.#options.ledger.add(id, { ...version, sentAt, answeredAt: Date.now() }, Date.parse(updatedAt))
  }

  /** Asks until it is done. All that is asked for may be asked for twice. @throws Error if it is refused. */
  async #ask<Body>(path: string, call: Omit<Call, 'signal'>): Promise<Body> {
    const { caller, signal } = this.#options
    for (;;) {
      const { status, body } = await caller.call(path, { timeoutMs: TIMEOUT_MS, ...call, signal })
      if (status >= 200 && status < 300) return body as Body
      if (status >= 400 && status < 500 && status !== 429) {
        throw new Error(`expected ${call.method} ${path} to be taken, got ${status}: ${JSON.stringify(body)}`)
      }
      await sleep(RETRY_MS, undefined, { signal })
    }
  }
}
