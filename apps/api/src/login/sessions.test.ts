import { type ApiKey, digestOf, KeyRing, parseApiKeys, type StoredKey } from '@foliot/access'
import { describe, expect, it } from 'vitest'
import { SESSION_MS, Sessions } from './sessions.ts'

const ID = '0198c0de-0000-7000-8000-000000000000'
const NOW = Date.UTC(2030, 0, 1)
const SECRET = 'c2VjcmV0LW9uZQ-and-some-more'
const KEYS = `${SECRET}:read,another-secret-of-length:read+operate`

const ringOf = (keys: string): KeyRing => new KeyRing({ own: parseApiKeys(keys), isLocal: false })

const keys = ringOf(KEYS)
/** A ring that has the keys of a store alone. */
function storedRing(...stored: StoredKey[]): KeyRing {
  const ring = new KeyRing({ own: parseApiKeys(''), isLocal: false, now: () => NOW })
  ring.take({ revision: 1, hasKeys: true, hasOwnKeys: true, keys: stored, tenants: [] })
  return ring
}

const key = keys.find(SECRET) as ApiKey
const session = new Sessions(keys).issue(key, NOW)

const readWith = (keyText: string, at = NOW, text = session): ApiKey | undefined =>
  new Sessions(ringOf(keyText)).read(text, at)

describe('a session', () => {
  it('is accepted by every process that has the same keys, in whatever order', () => {
    const [first, second] = KEYS.split(',')
    expect(readWith(KEYS)).toEqual(key)
    expect(readWith(`${second},${first}`)).toEqual(key)
  })

  it('ends by itself', () => {
    expect(readWith(KEYS, NOW + SESSION_MS - 1)).toEqual(key)
    expect(readWith(KEYS, NOW + SESSION_MS)).toBeUndefined()
  })

  it('ends as soon as its key is removed, replaced or gets other scopes', () => {
    expect(readWith('another-secret-of-length:read+operate')).toBeUndefined()
    expect(readWith('c2VjcmV0LW9uZQ-and-some-morE:read')).toBeUndefined()
    expect(readWith(`${SECRET}:read+operate`)).toBeUndefined()
  })

  it('goes on whatever becomes of other keys', () => {
    expect(readWith(`${KEYS},a-third-secret-of-length:read`)).toEqual(key)
    expect(readWith(`${SECRET}:read`)).toEqual(key)
    expect(readWith(`${SECRET}:read,another-secret-of-length:read`)).toEqual(key)
  })

  it('of a stored key ends when that is revoked, expires, or gets other scopes or another tenant', () => {
    const stored = { id: ID, name: 'n', digest: digestOf(SECRET), tenant: 'acme', scopes: ['read' as const] }
    const issued = new Sessions(storedRing({ ...stored, expiresAt: null })).issue(
      storedRing({ ...stored, expiresAt: null }).find(SECRET) as ApiKey,
      NOW,
    )
    const readIn = (ring: KeyRing) => new Sessions(ring).read(issued, NOW)
    expect(readIn(storedRing({ ...stored, expiresAt: null }))).toMatchObject({ id: ID, tenant: 'acme' })
    expect(readIn(storedRing({ ...stored, expiresAt: NOW + 1 }))).toMatchObject({ id: ID })
    expect(readIn(storedRing())).toBeUndefined()
    expect(readIn(storedRing({ ...stored, expiresAt: NOW }))).toBeUndefined()
    expect(readIn(storedRing({ ...stored, expiresAt: null, tenant: null }))).toBeUndefined()
    expect(readIn(storedRing({ ...stored, expiresAt: null, scopes: ['admin'] }))).toBeUndefined()
  })

  it('holds the name of its key, and nothing that could be used as a key', () => {
    expect(session).toContain(key.name)
    expect(session).not.toContain(SECRET)
    expect(keys.find(session)).toBeUndefined()
  })

  it('cannot be made to last longer or to be that of another key', () => {
    const [name, end, signature] = session.split('.') as [string, string, string]
    const other = keys.find('another-secret-of-length')?.name
    for (const forged of [
      `${name}.${Number(end) + 1}.${signature}`,
      `${other}.${end}.${signature}`,
      `${name}.${end}.${signature.slice(0, -1)}${signature.endsWith('A') ? 'E' : 'A'}`,
      `${name}.${end}.${'A'.repeat(43)}`,
      `${name}.${end}.`,
      `${name}.${end}`,
      '',
    ]) {
      expect(readWith(KEYS, NOW, forged), forged).toBeUndefined()
    }
  })
})
