import { createHmac, timingSafeEqual } from 'node:crypto'
import type { ApiKey, KeyRing } from '@foliot/access'

/** How long a login lasts. */
export const SESSION_MS = 12 * 60 * 60 * 1000

/**
 * Logins that no process has to remember: `<key id>.<end in s>.<signature>`. The signature comes from the key alone, so
 * every api that knows the key accepts it, and none does any more once the key was revoked, has expired or is another. It
 * holds no secret.
 */
export class Sessions {
  readonly #access: KeyRing

  constructor(access: KeyRing) {
    this.#access = access
  }

  issue(key: ApiKey, now: number): string {
    const facts = `${key.id}.${Math.floor((now + SESSION_MS) / 1000)}`
    return `${facts}.${this.#sign(key, facts).toString('base64url')}`
  }

  /** The key that this session was issued for. Undefined for one that has ended or is not ours. */
  read(session: string, now: number): ApiKey | undefined {
    const parts = /^(([\w-]{1,64})\.(\d{1,12}))\.([\w-]{43})$/.exec(session)
    if (!parts) return undefined
    const [, facts, id, end, signature] = parts as unknown as [string, string, string, string, string]
    const key = Number(end) * 1000 > now ? this.#access.withId(id) : undefined
    return key && timingSafeEqual(this.#sign(key, facts), Buffer.from(signature, 'base64url')) ? key : undefined
  }

  #sign({ id }: ApiKey, facts: string): Buffer {
    const signingKey = this.#access.derive(id, 'foliot sessions')
    if (!signingKey) throw new Error(`expected a key that is known, got ${id}`)
    return createHmac('sha256', signingKey).update(facts).digest()
  }
}
