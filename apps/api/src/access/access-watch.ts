import { type AccessSnapshot, type KeyRing, parseSnapshot } from '@foliot/access'
import {
  DATABASE_TROUBLES,
  type Database,
  databaseTroubleOf,
  isMissingTable,
  readAccessRevision,
  readAccessSnapshot,
} from '@foliot/history'
import type { Service } from '@foliot/lifecycle'
import { projectAccess, projectedRevision, readProjection } from '@foliot/queue'
import type { Logger } from '@foliot/telemetry'
import type { Redis } from 'ioredis'

export interface AccessWatchOptions {
  access: KeyRing
  redis: Redis
  /** Undefined where there is no PostgreSQL: then Redis alone is asked. */
  db: Database | undefined
  log: Logger
}

const LOOK_EVERY_MS = 1000
/** How long a start waits for a server that does not answer. */
const FIRST_LOOK_MS = 2500
/** How often keys that are not known make it look, and for how long they wait. */
const CATCH_UP_EVERY_MS = 200
const CATCH_UP_MS = 500

/**
 * Keeps the keys in step with the store. PostgreSQL is the truth; Redis has a copy of it, so that keys count while PostgreSQL
 * is away, also in a process that starts then; and with both away what is in memory counts. Of Redis and PostgreSQL the newer
 * is taken, and Redis is given back what it has lost. No look waits for the other one: either may hang. Only what Redis has
 * does not settle who is let in before PostgreSQL, which may know of more, has answered, failed or taken too long.
 */
export class AccessWatch implements Service {
  readonly name = 'keys'
  readonly #access: KeyRing
  readonly #redis: Redis
  readonly #db: Database | undefined
  readonly #log: Logger
  #timer: NodeJS.Timeout | undefined
  #lookingInRedis: Promise<void> | undefined
  #lookingInDatabase: Promise<void> | undefined
  /** Whether PostgreSQL has ever answered. */
  #hasAsked = false
  /** Whether it is known that PostgreSQL does not answer, or not in time. */
  #isSilent = false
  #hasCopy = false
  #caughtUpAt = Number.NEGATIVE_INFINITY
  #catchingUp: Promise<void> = Promise.resolve()
  /** What has been told of a look that failed. */
  #complaint: string | undefined

  constructor({ access, redis, db, log }: AccessWatchOptions) {
    this.#access = access
    this.#redis = redis
    this.#db = db
    this.#log = log
  }

  /** Whether what Redis has was ever as new as what is known. */
  get hasCopy(): boolean {
    return this.#hasCopy
  }

  /** Reads what there is. Servers that are away are not waited for. */
  async start(): Promise<void> {
    await this.firstLook()
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
  }

  /** Resolves when both have answered, or one did and the other takes too long. */
  async firstLook(): Promise<void> {
    await this.#lookWithin(FIRST_LOOK_MS)
    this.#isSilent ||= !this.#hasAsked
    this.#settleByCopy()
    // What Redis does not know now, nobody else will tell.
    if (!this.#db) this.#access.settle()
  }

  /**
   * For who shows a key that is not known: it may have been made by another process just now. However many ask, it is looked a
   * few times a second; servers that do not answer are not waited for.
   */
  async catchUp(): Promise<void> {
    const now = performance.now()
    if (now - this.#caughtUpAt > CATCH_UP_EVERY_MS) {
      this.#caughtUpAt = now
      this.#catchingUp = this.#lookWithin(CATCH_UP_MS)
    }
    await this.#catchingUp
  }

  /** After a change of ours: when this resolves it holds here and, if Redis answers, elsewhere within a second or so. */
  async refresh(): Promise<void> {
    if (!this.#db) return
    try {
      if (await this.#takeNewer(this.#db)) await this.#project()
    } catch (err) {
      this.#log.warn(
        { err },
        `a change of keys is stored, and takes effect with the next look: ${(err as Error).message}`,
      )
    }
  }

  async #lookWithin(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, ms)
    await Promise.race([promise, this.#look()])
    clearTimeout(timer)
  }

  async #look(): Promise<void> {
    this.#lookingInRedis ??= this.#lookInRedis().finally(() => {
      this.#lookingInRedis = undefined
    })
    this.#lookingInDatabase ??= this.#lookInDatabase().finally(() => {
      this.#lookingInDatabase = undefined
    })
    await Promise.all([this.#lookingInRedis, this.#lookingInDatabase])
  }

  async #lookInRedis(): Promise<void> {
    try {
      const revision = await projectedRevision(this.#redis)
      const own = this.#access.snapshot.revision
      if (revision === undefined || revision < own) await this.#project()
      else if (revision === own || (await this.#takeProjection())) this.#hasCopy = true
      this.#settleByCopy()
    } catch {
      // A Redis that is away is told of by who watches it, and asked again by the next look.
    }
  }

  async #takeProjection(): Promise<boolean> {
    const snapshot = parseSnapshot((await readProjection(this.#redis)) ?? '')
    if (snapshot) this.#take(snapshot)
    else this.#complain('what Redis has of keys cannot be read: it is made anew with the next change')
    return snapshot !== undefined
  }

  #settleByCopy(): void {
    if (this.#hasCopy && (!this.#db || this.#isSilent)) this.#access.settle()
  }

  #take(snapshot: AccessSnapshot): void {
    const wasOpen = this.#access.isOpen
    this.#access.take(snapshot)
    if (wasOpen && !this.#access.isOpen) {
      this.#log.warn('a key was made before this api started, which it hears of now: a key is needed from now on')
    }
  }

  async #project(): Promise<void> {
    const { snapshot } = this.#access
    // Also that there are no keys: then an api that starts while PostgreSQL is away knows it.
    if (snapshot.revision > 0 || this.#hasAsked)
      await projectAccess(this.#redis, snapshot.revision, JSON.stringify(snapshot))
  }

  async #lookInDatabase(): Promise<void> {
    if (!this.#db) return
    try {
      const isNewer = await this.#takeNewer(this.#db)
      // Redis, which may hang, is not waited for.
      this.#recover()
      if (isNewer) await this.#project().catch(() => undefined)
    } catch (error) {
      // Before the tables are made there are no keys.
      if (isMissingTable(error)) return this.#recover()
      this.#isSilent = true
      this.#settleByCopy()
      this.#complain(complaintOf(error), error)
    }
  }

  /** @returns whether PostgreSQL had something newer. */
  async #takeNewer(db: Database): Promise<boolean> {
    const revision = await readAccessRevision(db)
    if (revision <= this.#access.snapshot.revision) return false
    this.#take(await readAccessSnapshot(db, Date.now()))
    return true
  }

  #recover(): void {
    this.#hasAsked = true
    this.#access.settle()
    if (this.#complaint !== undefined) this.#log.info('keys are read from PostgreSQL again')
    this.#complaint = undefined
  }

  /** Each look fails the same way: once is enough. */
  #complain(complaint: string, err?: unknown): void {
    if (this.#complaint === complaint) return
    this.#complaint = complaint
    this.#log.warn({ err }, complaint)
  }
}

function complaintOf(error: unknown): string {
  const trouble = databaseTroubleOf(error)
  const reason = trouble ? DATABASE_TROUBLES[trouble] : (error as Error).message
  return `keys cannot be read from PostgreSQL, so those that are known go on counting: ${reason}`
}
