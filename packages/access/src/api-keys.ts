import { createHash, scryptSync } from 'node:crypto'
import { SCOPES, type Scope } from './scopes.ts'

/** A key as it is kept: never its secret. */
export interface ApiKey {
  /** What it is known by for good: a UUID, or its name if it stands in FOLIOT_API_KEYS. */
  readonly id: string
  /**
   * For people, in logs and timelines. Of a key in FOLIOT_API_KEYS the first digits of its digest: enough to tell keys apart,
   * useless to guess one.
   */
  readonly name: string
  readonly scopes: ReadonlySet<Scope>
  /** Whose jobs it sees and moves. Undefined: those of all tenants. */
  readonly tenant: string | undefined
  /** From when on it counts no more, in ms since 1970. Undefined: never. */
  readonly expiresAt: number | undefined
}

/** The keys of one setting, FOLIOT_API_KEYS: they see all tenants and never expire. */
export class ApiKeys {
  readonly #byDigest: ReadonlyMap<string, ApiKey>

  /** How many secrets are short enough to be guessed. */
  readonly weak: number

  constructor(byDigest: ReadonlyMap<string, ApiKey>, weak = 0) {
    this.#byDigest = byDigest
    this.weak = weak
  }

  get size(): number {
    return this.#byDigest.size
  }

  /**
   * The key with this secret. Secrets are compared as SHA-256 digests in a hash table: what an attacker can time depends
   * on the digest of a guess, which tells nothing of the secret.
   */
  find(secret: string): ApiKey | undefined {
    return this.#byDigest.get(digestOf(secret))
  }

  /** The key with this id. */
  withId(id: string): ApiKey | undefined {
    return this.#entryOf(id)?.[1]
  }

  /** See `KeyRing.derive`. */
  derive(id: string, purpose: string): Buffer | undefined {
    const entry = this.#entryOf(id)
    return entry && deriveFrom(entry[0], entry[1], purpose)
  }

  /** The key of an `Authorization: Bearer <secret>` header. */
  fromHeader(authorization: string | undefined): ApiKey | undefined {
    const secret = secretOf(authorization)
    return secret === undefined ? undefined : this.find(secret)
  }

  #entryOf(id: string): [digest: string, key: ApiKey] | undefined {
    for (const entry of this.#byDigest) if (entry[1].id === id) return entry
    return undefined
  }
}

/** The secret of an `Authorization: Bearer <secret>` header; undefined for any other. */
export function secretOf(authorization: string | undefined): string | undefined {
  if (!authorization || !/^bearer /i.test(authorization)) return undefined
  return authorization.slice('bearer '.length).trim()
}

/**
 * 32 secret bytes that follow from a key, and are others as soon as its secret, its scopes or its tenant are. Slow on
 * purpose, so that what is made with them does not help to guess a weak secret: some 50 ms, so keep them.
 */
export function deriveFrom(digest: string, { scopes, tenant }: ApiKey, purpose: string): Buffer {
  return scryptSync(JSON.stringify([digest, [...scopes].sort(), tenant ?? null]), purpose, 32)
}

/** Shorter secrets can be guessed. One made by `openssl rand -base64 32` has 44 characters. */
const WEAK_BELOW_LENGTH = 16

/**
 * Reads keys in the form `<secret>:<scope>+<scope>`, separated by commas. A key without a colon has all scopes.
 *
 * @throws TypeError saying which of the keys is wrong, by its place, without showing any of it.
 */
export function parseApiKeys(text: string): ApiKeys {
  const keys = new Map<string, ApiKey>()
  let weak = 0
  const entries = text.split(',').map((entry) => entry.trim())
  for (const [i, entry] of entries.entries()) {
    if (entry === '') continue
    const colon = entry.lastIndexOf(':')
    const secret = colon === -1 ? entry : entry.slice(0, colon)
    if (secret === '') throw new TypeError(`expected key ${i + 1} to be \`<secret>:<scope>+<scope>\`, got no secret`)
    if (secret.length < WEAK_BELOW_LENGTH) weak++
    const digest = digestOf(secret)
    if (keys.has(digest)) throw new TypeError(`expected different secrets, got that of key ${i + 1} twice`)
    const scopes = colon === -1 ? new Set(SCOPES) : readScopes(entry.slice(colon + 1), i + 1)
    const name = `key-${digest.slice(0, 8)}`
    keys.set(digest, { id: name, name, scopes, tenant: undefined, expiresAt: undefined })
  }
  return new ApiKeys(keys, weak)
}

function readScopes(text: string, place: number): ReadonlySet<Scope> {
  const scopes = text.split('+')
  if (!scopes.every(isScope)) {
    // Not shown: of a secret with a colon in it and no scopes, this is a part.
    throw new TypeError(
      `expected the last colon of key ${place} to be followed by scopes out of ${SCOPES.join(', ')}, joined by "+"`,
    )
  }
  return withAll(scopes)
}

/** `admin` includes the others. */
export const withAll = (scopes: readonly Scope[]): ReadonlySet<Scope> =>
  new Set(scopes.includes('admin') ? SCOPES : scopes)

const isScope = (text: string): text is Scope => (SCOPES as readonly string[]).includes(text)

/** SHA-256, as 64 hexadecimal digits. */
export const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')
