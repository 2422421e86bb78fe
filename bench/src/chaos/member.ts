import { setTimeout as sleep } from 'node:timers/promises'
import { freeze } from './freeze.ts'
import type { Blow, MemberName } from './plan.ts'

/** One life of a member. */
export interface Life {
  readonly pid: number
  /** Settles with how it ended, as words: `code 1`, `SIGKILL`. */
  readonly exited: Promise<string>
  /** Whether it has said that it is ready. */
  isReady(): boolean
  /** @returns whether it was there to get it. */
  signal(name: NodeJS.Signals): boolean
}

export interface MemberOptions<Name extends string = MemberName> {
  name: Name
  /** Starts its next life. If that fails, it is tried again. */
  launch(): Promise<Life>
  /** Told what happens, a line each. */
  note(line: string): void
  /** Told of an end that nobody here asked for. */
  onUnexpectedEnd(how: string): void
}

/** How long it stays away if no blow says so: it died by itself. */
const AWAY_MS = 500

/** A process of the run. When it ends, it is started again, until the run ends. */
export class Member<Name extends string = MemberName> {
  readonly name: Name
  readonly #options: MemberOptions<Name>
  readonly #ending = new AbortController()
  readonly #kept: Promise<void>
  #life: Life | undefined
  #thaw: (() => void) | undefined
  #thawTimer: NodeJS.Timeout | undefined
  #blow: Blow<Name> | undefined

  constructor(options: MemberOptions<Name>) {
    this.name = options.name
    this.#options = options
    this.#kept = this.#keep()
  }

  get isReady(): boolean {
    return this.#life !== undefined && this.#thaw === undefined && this.#life.isReady()
  }

  /** @returns the id of the process that was hit; undefined if there is none now, or it is frozen already. */
  take(blow: Blow<Name>): number | undefined {
    const life = this.#life
    if (life === undefined || (blow.kind === 'freeze' && this.#thaw !== undefined)) return undefined
    if (blow.kind === 'freeze') {
      this.#thaw = freeze(life.pid, life.signal)
      this.#thawTimer = setTimeout(() => this.thaw(), blow.forMs)
      return life.pid
    }
    if (!life.signal(blow.kind === 'kill' ? 'SIGKILL' : 'SIGTERM')) return undefined
    this.#blow = blow
    return life.pid
  }

  /** Lets it go on if it is frozen. */
  thaw(): void {
    if (this.#release()) this.#options.note(`${this.name} goes on`)
  }

  /** Ends it for good. Waits; safe twice. */
  async end(): Promise<void> {
    this.#ending.abort()
    this.#life?.signal('SIGKILL')
    await this.#kept
  }

  async #keep(): Promise<void> {
    const { name, note, launch } = this.#options
    for (;;) {
      try {
        this.#life = await launch()
        note(`${name} starts as process ${this.#life.pid}`)
        if (this.#ending.signal.aborted) this.#life.signal('SIGKILL')
        this.#tellEnd(await this.#life.exited)
      } catch (error) {
        this.#tellEnd(`no start: ${(error as Error).message}`)
      }
      this.#life = undefined
      this.#release()
      if (this.#ending.signal.aborted) return
      const awayMs = this.#blow?.forMs ?? AWAY_MS
      this.#blow = undefined
      await sleep(awayMs, undefined, { signal: this.#ending.signal }).catch(() => undefined)
      if (this.#ending.signal.aborted) return
    }
  }

  /** @returns whether it was frozen */
  #release(): boolean {
    if (this.#thaw === undefined) return false
    clearTimeout(this.#thawTimer)
    this.#thaw()
    this.#thaw = undefined
    return true
  }

  #tellEnd(how: string): void {
    if (this.#ending.signal.aborted) return
    this.#options.note(`${this.name} ended: ${how}`)
    if (this.#blow === undefined) this.#options.onUnexpectedEnd(how)
  }
}
