import { type ApiKey, parseApiKeys } from '@foliot/access'
import { describe, expect, it } from 'vitest'
import { SESSION_MS, Sessions } from './sessions.ts'

const NOW = Date.UTC(2030, 0, 1)
const SECRET = 'c2VjcmV0LW9uZQ-and-some-more'
const KEYS = `${SECRET}:read,another-secret-of-length:read+operate`

const keys = parseApiKeys(KEYS)
const key = keys.find(SECRET) as ApiKey
const session = new Sessions(keys).issue(key, NOW)

const readWith = (keyText: string, at = NOW, text = session): ApiKey | undefined =>
  new Sessions(parseApiKeys(keyText)).read(text, at)

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

  it('ends as soon as any key is added, removed, replaced or gets other scopes', () => {
    expect(readWith(`${KEYS},a-third-secret-of-length:read`)).toBeUndefined()
    expect(readWith(`${SECRET}:read`)).toBeUndefined()
    expect(readWith(`${SECRET}:read,another-secret-of-lengtH:read+operate`)).toBeUndefined()
    expect(readWith(`${SECRET}:read,another-secret-of-length:read`)).toBeUndefined()
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
