import { createHash } from 'node:crypto'
import { SCOPES, type Scope } from './scopes.ts'

/** A key as it is kept: never its secret. */
export interface ApiKey {
  /** The first digits of its digest: enough to tell keys apart in logs and timelines, useless to guess it. */
  readonly name: string
  readonly scopes: ReadonlySet<Scope>
}

/** The keys that a process accepts. */
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

  /** The key of an `Authorization: Bearer <secret>` header. */
  fromHeader(authorization: string | undefined): ApiKey | undefined {
    if (!authorization || !/^bearer /i.test(authorization)) return undefined
    return this.find(authorization.slice('bearer '.length).trim())
  }
}

/** Shorter secrets can be guessed. One made by `openssl rand -base64 32` has 44 characters. */
const WEAK_BELOW_LENGTH = 16

/**
 * Reads keys in the form `<secret>:<scope>+<scope>`, separated by commas. A key without scopes has all.
 *
 * @throws TypeError saying which of the keys is wrong, by its place, without showing it.
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
    keys.set(digest, {
      name: `key-${digest.slice(0, 8)}`,
      scopes: readScopes(colon === -1 ? '' : entry.slice(colon + 1), i + 1),
    })
  }
  return new ApiKeys(keys, weak)
}

function readScopes(text: string, place: number): ReadonlySet<Scope> {
  if (text === '') return new Set(SCOPES)
  const scopes = text.split('+')
  for (const scope of scopes) {
    if (!(SCOPES as readonly string[]).includes(scope)) {
      throw new TypeError(`expected scopes out of ${SCOPES.join(', ')} in key ${place}, got "${scope}"`)
    }
  }
  return new Set(scopes.includes('admin') ? SCOPES : (scopes as Scope[]))
}

const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')
