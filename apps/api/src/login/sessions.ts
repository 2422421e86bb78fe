import { createHmac, timingSafeEqual } from 'node:crypto'
import type { ApiKey, ApiKeys } from '@foliot/access'

/** How long a login lasts. */
export const SESSION_MS = 12 * 60 * 60 * 1000

/**
 * Logins that no process has to remember: `<key name>.<end in s>.<signature>`. The signature comes from all keys, so
 * every api with the same keys accepts it, and none does any more once the keys are others. It holds no secret.
 */
export class Sessions {
  readonly #keys: ApiKeys
  #signingKey: Buffer | undefined

  constructor(keys: ApiKeys) {
    this.#keys = keys
  }

  issue(key: ApiKey, now: number): string {
    const facts = `${key.name}.${Math.floor((now + SESSION_MS) / 1000)}`
    return `${facts}.${this.#sign(facts).toString('base64url')}`
  }

  /** The key that this session was issued for. Undefined for one that has ended or is not ours. */
  read(session: string, now: number): ApiKey | undefined {
    const parts = /^(([\w-]{1,64})\.(\d{1,12}))\.([\w-]{43})$/.exec(session)
    if (!parts) return undefined
    const [, facts, name, end, signature] = parts as unknown as [string, string, string, string, string]
    if (!timingSafeEqual(this.#sign(facts), Buffer.from(signature, 'base64url'))) return undefined
    return Number(end) * 1000 > now ? this.#keys.named(name) : undefined
  }

  #sign(facts: string): Buffer {
    this.#signingKey ??= this.#keys.derive('foliot sessions')
    return createHmac('sha256', this.#signingKey).update(facts).digest()
  }
}
