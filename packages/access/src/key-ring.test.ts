import { describe, expect, it } from 'vitest'
import { type AccessSnapshot, parseSnapshot, type StoredKey } from './access-snapshot.ts'
import { type ApiKey, digestOf, parseApiKeys } from './api-keys.ts'
import { ANYONE_ID, KeyRing } from './key-ring.ts'

const NOW = Date.UTC(2030, 0, 1)

const stored = (secret: string, more: Partial<StoredKey> = {}): StoredKey => ({
  id: `id of ${secret}`,
  name: 'n',
  digest: digestOf(secret),
  tenant: 'acme',
  scopes: ['read'],
  expiresAt: null,
  ...more,
})

const snapshotOf = (revision: number, keys: StoredKey[], more: Partial<AccessSnapshot> = {}): AccessSnapshot => ({
  revision,
  hasKeys: keys.length > 0,
  hasOwnKeys: keys.length > 0,
  keys,
  tenants: [],
  ...more,
})

/** As who shows no key is known, with all that the key `a` has. */
const anyoneOf = (secret: string): ApiKey => ({
  ...(ringWith(stored(secret)).ring.find(secret) as ApiKey),
  id: ANYONE_ID,
})

function ringWith(...keys: StoredKey[]) {
  const clock = { now: NOW }
  const ring = new KeyRing({ own: parseApiKeys('a-secret-of-its-own'), isLocal: true, now: () => clock.now })
  ring.take(snapshotOf(1, keys))
  return { ring, clock }
}

describe('a key ring', () => {
  it('knows the keys of the setting and those of the store', () => {
    const { ring } = ringWith(stored('a'), stored('b', { tenant: null, scopes: ['admin'] }))
    expect(ring.find('a-secret-of-its-own')).toMatchObject({ tenant: undefined, expiresAt: undefined })
    expect(ring.find('a')).toMatchObject({ id: 'id of a', tenant: 'acme', scopes: new Set(['read']) })
    expect(ring.withId('id of b')?.scopes).toContain('enqueue')
    for (const secret of ['', 'c', digestOf('a')]) expect(ring.find(secret), secret).toBeUndefined()
  })

  it('takes what is newer, and nothing else', () => {
    const { ring } = ringWith(stored('a'))
    expect(ring.take(snapshotOf(1, []))).toBe(false)
    expect(ring.take(snapshotOf(0, []))).toBe(false)
    expect(ring.find('a')).toBeDefined()
    expect(ring.take(snapshotOf(2, []))).toBe(true)
    expect(ring.find('a')).toBeUndefined()
    expect(ring.find('a-secret-of-its-own')).toBeDefined()
  })

  it('lets a key expire by the clock', () => {
    const { ring, clock } = ringWith(stored('a', { expiresAt: NOW + 10 }))
    const key = ring.find('a') as ApiKey
    clock.now = NOW + 9
    expect([ring.find('a'), ring.withId('id of a')]).not.toContain(undefined)
    expect(ring.stillCounts(key)).toBe(true)
    clock.now = NOW + 10
    expect([ring.find('a'), ring.withId('id of a')]).toEqual([undefined, undefined])
    expect(ring.stillCounts(key)).toBe(false)
  })

  it('knows whether a key that it found still counts', () => {
    const { ring } = ringWith(stored('a'), stored('b'))
    const keys = ['a', 'b', 'a-secret-of-its-own'].map((secret) => ring.find(secret) as ApiKey)
    ring.take(snapshotOf(2, [stored('a', { scopes: ['enqueue'] }), stored('b', { name: 'another' })]))
    expect(keys.map((key) => ring.stillCounts(key))).toEqual([false, true, true])
    ring.take(snapshotOf(3, []))
    expect(keys.map((key) => ring.stillCounts(key))).toEqual([false, false, true])
  })

  it('knows what tenants may do at most', () => {
    const { ring } = ringWith()
    const limits = { enqueueRate: { max: 1, perMs: 2 }, maxDepth: 3 }
    ring.take(snapshotOf(2, [], { tenants: [{ name: 'acme', limits }] }))
    expect(ring.limitsOf('acme')).toEqual(limits)
    expect(ring.limitsOf('constructor')).toBeUndefined()
    ring.take(snapshotOf(3, []))
    expect(ring.limitsOf('acme')).toBeUndefined()
  })

  it('knows whether there is a key by which others can be made', () => {
    const admin = { tenant: null, scopes: ['admin' as const] }
    expect(ringWith(stored('a', admin)).ring.hasStoredAdmin).toBe(true)
    expect(ringWith(stored('a', { ...admin, tenant: 'acme' })).ring.hasStoredAdmin).toBe(false)
    expect(ringWith(stored('a', { ...admin, scopes: ['operate'] })).ring.hasStoredAdmin).toBe(false)
    expect(ringWith(stored('a', { ...admin, expiresAt: NOW })).ring.hasStoredAdmin).toBe(false)
  })

  it('derives bytes of a key that are others as soon as the key is', () => {
    const { ring } = ringWith(stored('a'), stored('b'))
    const bytes = ring.derive('id of a', 'p')
    expect(bytes).toHaveLength(32)
    expect(ring.derive('id of b', 'p')).not.toEqual(bytes)
    expect(ring.derive('nobody', 'p')).toBeUndefined()
    expect(ringWith(stored('a')).ring.derive('id of a', 'p')).toEqual(bytes)
    expect(ringWith(stored('a', { scopes: ['operate'] })).ring.derive('id of a', 'p')).not.toEqual(bytes)
    expect(ringWith(stored('a', { tenant: null })).ring.derive('id of a', 'p')).not.toEqual(bytes)
    ring.take(snapshotOf(2, [stored('a', { digest: digestOf('other') })]))
    expect(ring.derive('id of a', 'p')).not.toEqual(bytes)
    ring.take(snapshotOf(3, [stored('a', { tenant: null })]))
    expect(ring.derive('id of a', 'p')).not.toEqual(bytes)
    expect(ring.derive('id of a', 'q')).not.toEqual(ring.derive('id of a', 'p'))
    ring.take(snapshotOf(4, [stored('a')]))
    expect(ring.derive('id of a', 'p')).toEqual(bytes)
  })
})

describe('without a key', () => {
  const ring = (isLocal: boolean, own = '') => new KeyRing({ own: parseApiKeys(own), isLocal })

  it('nobody is let in before it is known what the store has', () => {
    const local = ring(true)
    expect([local.isSettled, local.isOpen]).toEqual([false, false])
    local.settle()
    expect([local.isSettled, local.isOpen, local.hasKeys]).toEqual([true, true, false])
  })

  it('nobody is let in from elsewhere, or where keys are set', () => {
    for (const one of [ring(false), ring(true, 'a-secret')]) {
      one.settle()
      expect([one.isSettled, one.isOpen]).toEqual([true, false])
    }
  })

  it('everybody is let in beside the first key, and nobody once there was another', () => {
    const first = ring(true)
    first.take(snapshotOf(1, [stored('a')], { hasOwnKeys: false }))
    first.settle()
    expect([first.isOpen, first.hasKeys]).toEqual([true, true])
    const more = ring(true)
    more.take(snapshotOf(1, [], { hasKeys: true, hasOwnKeys: true }))
    more.settle()
    expect([more.isOpen, more.hasKeys]).toEqual([false, true])
  })

  it('everybody is let in also once the first key was revoked, but not with that', () => {
    const revoked = ring(true)
    revoked.take(snapshotOf(1, [], { hasKeys: true, hasOwnKeys: false }))
    revoked.settle()
    expect([revoked.isOpen, revoked.hasKeys, revoked.find('a')]).toEqual([true, true, undefined])
  })

  it('what was settled stays, also when a key is made while the process runs', () => {
    const open = ring(true)
    open.settle()
    open.take(snapshotOf(1, [stored('a')], { ownKeysSince: Date.now() + 1 }))
    open.settle()
    expect([open.isOpen, open.hasKeys]).toEqual([true, true])
    const closed = ring(true)
    closed.take(snapshotOf(1, [stored('a')]))
    closed.settle()
    closed.take(snapshotOf(2, [], { hasOwnKeys: false }))
    closed.settle()
    expect(closed.isOpen).toBe(false)
  })

  it.each([{ ownKeysSince: NOW }, { ownKeysSince: 0 }, {}])(
    'nobody is let in any more when a key is heard of late that was made before the start: %j',
    (more) => {
      const open = new KeyRing({ own: parseApiKeys(''), isLocal: true, now: () => NOW })
      open.settle()
      const anyone = anyoneOf('a')
      const { ended } = open.hold(anyone)
      open.take(snapshotOf(1, [stored('a')], { hasOwnKeys: false }))
      expect([open.isOpen, open.stillCounts(anyone), ended.aborted]).toEqual([true, true, false])
      open.take(snapshotOf(2, [stored('a')], more))
      expect([open.isOpen, open.stillCounts(anyone), ended.aborted]).toEqual([false, false, true])
    },
  )
})

describe('who is served for long', () => {
  const keyOf = (ring: KeyRing, secret: string): ApiKey => ring.find(secret) as ApiKey

  it('is told when the key is revoked', () => {
    const { ring } = ringWith(stored('a'), stored('b'))
    const [a, b] = [ring.hold(keyOf(ring, 'a')), ring.hold(keyOf(ring, 'b'))]
    ring.take(snapshotOf(2, [stored('b')]))
    expect([a.ended.aborted, b.ended.aborted]).toEqual([true, false])
    a.release()
    b.release()
    ring.take(snapshotOf(3, []))
    expect(b.ended.aborted).toBe(false)
  })

  it.each([{ tenant: null }, { tenant: 'other' }, { scopes: ['enqueue' as const] }, { expiresAt: NOW }])(
    'is told when the key becomes %j',
    (change) => {
      const { ring } = ringWith(stored('a'))
      const { ended } = ring.hold(keyOf(ring, 'a'))
      ring.take(snapshotOf(2, [stored('a', change)]))
      expect(ended.aborted).toBe(true)
    },
  )

  it('is told when the key expires, also one that will only later', async () => {
    const ring = new KeyRing({ own: parseApiKeys(''), isLocal: true })
    ring.take(snapshotOf(1, [stored('a', { expiresAt: Date.now() + 50 }), stored('b')]))
    const holds = [ring.hold(keyOf(ring, 'a')), ring.hold(keyOf(ring, 'b'))]
    ring.take(snapshotOf(2, [stored('a', { expiresAt: Date.now() + 20 }), stored('b', { expiresAt: Date.now() + 20 })]))
    for (const { ended } of holds) {
      if (!ended.aborted) await new Promise((resolve) => ended.addEventListener('abort', resolve))
    }
    expect(ring.find('a')).toBeUndefined()
  })

  it('is told at once if the key counts no more by then', () => {
    const { ring, clock } = ringWith(stored('a', { expiresAt: NOW + 1 }))
    const key = keyOf(ring, 'a')
    clock.now = NOW + 1
    expect(ring.hold(key).ended.aborted).toBe(true)
  })

  it('is served to the end with a key of the setting, or without any', () => {
    const { ring } = ringWith(stored('a'))
    const own = ring.hold(keyOf(ring, 'a-secret-of-its-own'))
    ring.take(snapshotOf(2, []))
    expect(own.ended.aborted).toBe(false)
    const open = new KeyRing({ own: parseApiKeys(''), isLocal: true, now: () => NOW })
    open.settle()
    const anyone = open.hold(anyoneOf('a'))
    open.take(snapshotOf(1, [stored('a')], { ownKeysSince: NOW + 1 }))
    expect(anyone.ended.aborted).toBe(false)
  })
})

describe('parseSnapshot', () => {
  it('reads what was written', () => {
    const snapshot = snapshotOf(3, [stored('a')], { tenants: [{ name: 'a', limits: {} }] })
    expect(parseSnapshot(JSON.stringify(snapshot))).toEqual(snapshot)
  })

  it.each(['', '{', 'null', '[]', '{}', '{"revision":"1","keys":[],"tenants":[]}', '{"revision":1,"keys":{}}'])(
    'takes %j for none',
    (text) => {
      expect(parseSnapshot(text)).toBeUndefined()
    },
  )
})
