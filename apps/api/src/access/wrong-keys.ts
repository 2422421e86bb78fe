import { setTimeout as sleep } from 'node:timers/promises'
import { FoliotError } from '@foliot/jobs'
import type { Logger } from '@foliot/telemetry'
import type { FastifyRequest } from 'fastify'
import { networkOf } from './network-of.ts'

/** So many wrong keys of one address are answered at once, as may be shown by programs after a rotation. */
const FREE = 100
/** How long it takes until one more is. */
const FREE_EVERY_MS = 1000
/** How long an answer is held back after that. */
const DELAY_MS = 1000
/** So many answers are held back at a time: for one address, and for all. */
const HELD_EACH = 10
const HELD_ALL = 100
/** Of so many addresses the last ones are remembered. */
const ADDRESSES = 10_000
const LOG_EVERY_MS = 60_000
/** Each minute so many addresses have a line of their own. */
const LINES = 20
const RETRY_AFTER_S = 10

interface Guesser {
  /** How many are answered at once, as of `at`. */
  free: number
  /** ms, by a clock that only goes on. */
  at: number
  held: number
  /** Wrong keys that no line has told of. */
  untold: number
}

/**
 * Slows down who shows wrong keys. Whoever shows a right one never comes here, so that nobody is locked out, also not by
 * somebody else with the same address.
 */
export class WrongKeys {
  readonly #log: Logger
  readonly #now: () => number
  /** By network, the one that was longest quiet first. */
  readonly #guessers = new Map<string, Guesser>()
  readonly #stopped = new AbortController()
  #held = 0
  #timer: NodeJS.Timeout | undefined

  /** @param now ms, by a clock that only goes on. */
  constructor(log: Logger, now: () => number = () => performance.now()) {
    this.#log = log
    this.#now = now
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#guessers.size
  }

  /**
   * To be called for each request with a wrong key, before it is refused: resolves when that may be.
   *
   * @throws FoliotError `rate_limited` if as many answers to this address are held back as may be.
   */
  async refuse({ ip, raw }: Pick<FastifyRequest, 'ip' | 'raw'>): Promise<void> {
    const guesser = this.#note(networkOf(ip))
    if (guesser.free >= 1) {
      guesser.free -= 1
      return
    }
    if (guesser.held >= HELD_EACH || this.#held >= HELD_ALL) {
      throw new FoliotError('rate_limited', 'expected a key of this installation, got too many that are none', {
        hint: 'a right key is served at once, also from this address',
        retryAfterSeconds: RETRY_AFTER_S,
      })
    }
    guesser.held += 1
    this.#held += 1
    const gone = new AbortController()
    const leave = (): void => gone.abort()
    raw.socket.once('close', leave)
    const signal = AbortSignal.any([gone.signal, this.#stopped.signal])
    // Rejects if the caller goes, or the process stops, meanwhile.
    await sleep(DELAY_MS, undefined, { signal }).catch(() => undefined)
    raw.socket.off('close', leave)
    guesser.held -= 1
    this.#held -= 1
  }

  /** Whoever is held back is answered at once. Safe twice. */
  stop(): void {
    clearInterval(this.#timer)
    this.#stopped.abort()
    this.#tell()
  }

  #note(network: string): Guesser {
    const now = this.#now()
    const known = this.#guessers.get(network)
    const guesser = known ?? { free: FREE, at: now, held: 0, untold: 0 }
    guesser.free = Math.min(FREE, guesser.free + (now - guesser.at) / FREE_EVERY_MS)
    guesser.at = now
    guesser.untold += 1
    // The last of the map is whoever came last.
    this.#guessers.delete(network)
    this.#guessers.set(network, guesser)
    if (!known && this.#guessers.size > ADDRESSES) this.#forgetOldest()
    this.#watch()
    return guesser
  }

  #forgetOldest(): void {
    const [oldest] = this.#guessers.keys()
    this.#guessers.delete(oldest as string)
  }

  /** The first wrong key is told of at once; what follows once a minute. */
  #watch(): void {
    if (this.#timer) return
    this.#tell()
    this.#timer = setInterval(() => this.#round(), LOG_EVERY_MS)
    this.#timer.unref()
  }

  #round(): void {
    this.#tell()
    const now = this.#now()
    for (const [network, { free, at, held }] of this.#guessers) {
      if (held === 0 && free + (now - at) / FREE_EVERY_MS >= FREE) this.#guessers.delete(network)
    }
    if (this.#guessers.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #tell(): void {
    const untold = [...this.#guessers]
      .filter(([, { untold }]) => untold > 0)
      .sort(([, a], [, b]) => b.untold - a.untold)
    for (const [ip, { untold: wrongKeys }] of untold.slice(0, LINES)) {
      this.#log.warn({ ip, wrongKeys }, 'wrong keys were shown')
    }
    const rest = untold.slice(LINES)
    if (rest.length > 0) {
      const wrongKeys = rest.reduce((sum, [, guesser]) => sum + guesser.untold, 0)
      this.#log.warn({ addresses: rest.length, wrongKeys }, 'wrong keys were shown by more addresses')
    }
    for (const [, guesser] of untold) guesser.untold = 0
  }
}
