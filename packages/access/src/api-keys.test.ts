import { describe, expect, it } from 'vitest'
import { parseApiKeys } from './api-keys.ts'
import { SCOPES } from './scopes.ts'

const LONG = 'a-secret-of-some-length'

const scopesOf = (text: string, secret: string): string[] => [...(parseApiKeys(text).find(secret)?.scopes ?? [])]

describe('parseApiKeys', () => {
  it.each(['', ' ', ',', ' , ,'])('finds no key in %j', (text) => {
    expect(parseApiKeys(text).size).toBe(0)
  })

  it('reads secrets with their scopes, and gives all scopes to one without', () => {
    const text = `reader:read, writer:enqueue+read ,${LONG}`
    expect(parseApiKeys(text).size).toBe(3)
    expect(scopesOf(text, 'reader')).toEqual(['read'])
    expect(scopesOf(text, 'writer')).toEqual(['enqueue', 'read'])
    expect(scopesOf(text, LONG)).toEqual([...SCOPES])
  })

  it('gives every scope to an admin', () => {
    expect(scopesOf('root:admin', 'root')).toEqual([...SCOPES])
    expect(scopesOf('root:read+admin', 'root')).toEqual([...SCOPES])
  })

  it('takes only the last colon for the one before the scopes', () => {
    expect(scopesOf('a:b:c:read', 'a:b:c')).toEqual(['read'])
  })

  it('keeps what base64 and URLs are made of', () => {
    const secret = 'q/1+Zx_-.~=='
    expect(scopesOf(`${secret}:read`, secret)).toEqual(['read'])
    expect(scopesOf(secret, secret)).toEqual([...SCOPES])
  })

  it.each([':read', ':', ' :admin'])('refuses %j, which has no secret', (entry) => {
    expect(() => parseApiKeys(`first:read,${entry}`)).toThrow(/^expected key 2 to be .* got no secret$/)
  })

  it.each(['second:', 'second:reed', 'second:read+', 'second:read enqueue', 'second:READ', 'half:other-half'])(
    'refuses the scopes of %j by the place of the key, and shows nothing of it',
    (entry) => {
      expect(() => parseApiKeys(`first:read,${entry}`)).toThrow(
        new TypeError(
          'expected the last colon of key 2 to be followed by scopes out of enqueue, read, operate, admin, joined by "+"',
        ),
      )
    },
  )

  it('refuses a secret that stands there twice, whose scopes would be those of chance', () => {
    expect(() => parseApiKeys(`${LONG}:read,other,${LONG}:admin`)).toThrow(
      'expected different secrets, got that of key 3 twice',
    )
  })

  it('counts the secrets that are short enough to be guessed', () => {
    expect(parseApiKeys('').weak).toBe(0)
    expect(parseApiKeys(`${'x'.repeat(16)}:read`).weak).toBe(0)
    expect(parseApiKeys(`${'x'.repeat(15)}:read,abc,${LONG}`).weak).toBe(2)
  })
})

describe('ApiKeys', () => {
  const keys = parseApiKeys(`${LONG}:read,other-secret:admin`)

  it('finds a key by its whole secret only', () => {
    expect(keys.find(LONG)?.scopes).toEqual(new Set(['read']))
    for (const secret of ['', LONG.slice(0, -1), `${LONG} `, LONG.toUpperCase(), `${LONG}:read`]) {
      expect(keys.find(secret), secret).toBeUndefined()
    }
  })

  it('names a key without a hint of its secret', () => {
    const names = [keys.find(LONG)?.name, keys.find('other-secret')?.name]
    expect(new Set(names).size).toBe(2)
    for (const name of names) expect(name).toMatch(/^key-[0-9a-f]{8}$/)
    expect(JSON.stringify({ ...keys, found: keys.find(LONG) })).not.toContain(LONG)
  })

  it.each([`Bearer ${LONG}`, `bearer ${LONG}`, `BEARER   ${LONG} `])('knows the key of the header %j', (header) => {
    expect(keys.fromHeader(header)?.scopes).toEqual(new Set(['read']))
  })

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    LONG,
    `Basic ${LONG}`,
    `Bearer${LONG}`,
    `Bearer x ${LONG}`,
    `Token ${LONG}`,
  ])('knows no key of the header %j', (header) => {
    expect(keys.fromHeader(header)).toBeUndefined()
  })
})
