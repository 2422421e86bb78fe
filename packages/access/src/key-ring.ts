import { type AccessSnapshot, EMPTY_SNAPSHOT, type StoredKey, type TenantLimits } from './access-snapshot.ts'
import { type ApiKey, type ApiKeys, deriveFrom, digestOf, withAll } from './api-keys.ts'

export interface KeyRingOptions {
  /** Keys that are always there: those of FOLIOT_API_KEYS. */
  own: ApiKeys
  /** Whether only this machine can reach us: then requests without a key may be let in. */
  isLocal: boolean
  /** ms since 1970. Default: the clock. */
  now?: () => number
}

/** Somebody who is served for long, and only while the key counts. */
export interface KeyHold {
  /** Aborted when the key was revoked, has expired, or may do other things than before. */
  readonly ended: AbortSignal
  /** To be called by whoever does not care any more. Safe twice. */
  release(): void
}

interface Entry {
  digest: string
  key: ApiKey
}

/** Node's timers know no longer time. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Every key that a process accepts, and the limits of tenants, all in memory. Who has one gives it what is new. */
export class KeyRing {
  readonly #own: ApiKeys
  readonly #isLocal: boolean
  readonly #now: () => number
  /** ms since 1970 */
  readonly #startedAt: number
  #snapshot: AccessSnapshot = EMPTY_SNAPSHOT
  #byDigest: ReadonlyMap<string, Entry> = new Map()
  #byId: ReadonlyMap<string, Entry> = new Map()
  #limits: ReadonlyMap<string, TenantLimits> = new Map()
  #isOpen: boolean | undefined
  readonly #derived = new Map<string, { from: Entry | undefined; bytes: Buffer }>()
  readonly #holds = new Set<() => void>()

  constructor({ own, isLocal, now = Date.now }: KeyRingOptions) {
    this.#own = own
    this.#isLocal = isLocal
    this.#now = now
    this.#startedAt = now()
  }

  /** What was taken last. */
  get snapshot(): AccessSnapshot {
    return this.#snapshot
  }

  /** Whether it is known which keys the store has. Before, a key that is not here may be right all the same. */
  get isSettled(): boolean {
    return this.#isOpen !== undefined
  }

  /** Whether a request that shows no key may do everything. False before `settle`. */
  get isOpen(): boolean {
    return this.#isOpen ?? false
  }

  /** Whether there ever was a key: then one that is shown has to be right. */
  get hasKeys(): boolean {
    return this.#own.size > 0 || this.#snapshot.hasKeys
  }

  /** Whether the store has a key of all tenants with every scope, by which others can be made. */
  get hasStoredAdmin(): boolean {
    const keys = [...this.#byId.values()].map(({ key }) => key)
    return keys.some((key) => key.tenant === undefined && key.scopes.has('admin') && this.#counts(key))
  }

  /**
   * Says that what was taken so far is what the store has. That decides whether requests without a key are let in: only to
   * this machine, and only if nobody had made a key of their own when the process started. What is closed stays closed; what is
   * open is closed by a later snapshot with such a key that is older than the process.
   */
  settle(): void {
    this.#isOpen ??= this.#isLocal && this.#own.size === 0 && !this.#snapshot.hasOwnKeys
  }

  /** Takes a snapshot, unless it is no newer than what there is. Whoever holds a key that counts no more is told. */
  take(snapshot: AccessSnapshot): boolean {
    if (snapshot.revision <= this.#snapshot.revision) return false
    const entries = snapshot.keys.map((stored) => ({ digest: stored.digest, key: toKey(stored) }))
    this.#snapshot = snapshot
    this.#byDigest = new Map(entries.map((entry) => [entry.digest, entry]))
    this.#byId = new Map(entries.map((entry) => [entry.key.id, entry]))
    if (this.#isOpen && snapshot.hasOwnKeys && (snapshot.ownKeysSince ?? 0) <= this.#startedAt) this.#isOpen = false
    this.#limits = new Map(snapshot.tenants.map(({ name, limits }) => [name, limits]))
    for (const [slot, { from }] of this.#derived) if (from && !this.#byId.has(from.key.id)) this.#derived.delete(slot)
    for (const look of this.#holds) look()
    return true
  }

  /** The key with this secret. Compared are digests, as by `ApiKeys.find`. */
  find(secret: string): ApiKey | undefined {
    const key = this.#own.find(secret) ?? this.#byDigest.get(digestOf(secret))?.key
    return key && this.#counts(key) ? key : undefined
  }

  /** The key with this id. */
  withId(id: string): ApiKey | undefined {
    const key = this.#own.withId(id) ?? this.#byId.get(id)?.key
    return key && this.#counts(key) ? key : undefined
  }

  /** Whether a key that was found before still counts, and may do the same. Of who shows none: whether that is let in. */
  stillCounts(key: ApiKey): boolean {
    if (key.id === ANYONE_ID) return this.isOpen
    if (this.#own.withId(key.id)) return true
    const now = this.#byId.get(key.id)?.key
    return now !== undefined && this.#counts(now) && isLike(now, key)
  }

  /** What the tenant may do at most; undefined if nobody has limited it. */
  limitsOf(tenant: string): TenantLimits | undefined {
    return this.#limits.get(tenant)
  }

  /**
   * 32 secret bytes that follow from a key, the same in every process that knows it, and others as soon as its secret, its
   * scopes or its tenant are. `purpose` tells uses apart. The first time takes some 50 ms. Undefined if there is no such key.
   */
  derive(id: string, purpose: string): Buffer | undefined {
    const entry = this.#byId.get(id)
    const slot = `${purpose} ${id}`
    const known = this.#derived.get(slot)
    if (known && isSame(known.from, entry)) return known.bytes
    const bytes = entry ? deriveFrom(entry.digest, entry.key, purpose) : this.#own.derive(id, purpose)
    if (bytes) this.#derived.set(slot, { from: entry, bytes })
    return bytes
  }

  /** For who is served for long, and only while the key counts, as `stillCounts` says. */
  hold(key: ApiKey): KeyHold {
    const ended = new AbortController()
    let timer: NodeJS.Timeout | undefined
    const release = (): void => {
      clearTimeout(timer)
      this.#holds.delete(look)
    }
    const look = (): void => {
      clearTimeout(timer)
      const expiresAt = this.#byId.get(key.id)?.key.expiresAt
      if (!this.stillCounts(key)) {
        release()
        ended.abort()
      } else if (expiresAt !== undefined) {
        timer = setTimeout(look, Math.min(Math.max(expiresAt - this.#now(), 0), LONGEST_TIMER_MS))
        // The end of a key keeps no process alive.
        timer.unref()
      }
    }
    if (!this.#own.withId(key.id)) {
      this.#holds.add(look)
      look()
    }
    return { ended: ended.signal, release }
  }

  #counts({ expiresAt }: ApiKey): boolean {
    return expiresAt === undefined || this.#now() < expiresAt
  }
}

/** The id of whoever is let in without a key. */
export const ANYONE_ID = 'anyone'

const toKey = ({ id, name, tenant, scopes, expiresAt }: StoredKey): ApiKey => ({
  id,
  name,
  scopes: withAll(scopes),
  tenant: tenant ?? undefined,
  expiresAt: expiresAt ?? undefined,
})

/** Whether the same follows from both; undefined stands for a key that never changes. */
const isSame = (a: Entry | undefined, b: Entry | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && a.digest === b.digest && isLike(a.key, b.key))

const isLike = (a: ApiKey, b: ApiKey): boolean =>
  a.tenant === b.tenant && a.scopes.size === b.scopes.size && [...a.scopes].every((scope) => b.scopes.has(scope))
