import { expect, it } from 'vitest'
import { isKeyName, isTenantName } from './names.ts'
import { newSecret } from './new-secret.ts'

it.each(['a', '0', 'acme', 'a.b-c_d', 'x'.repeat(63)])('takes %j for the name of a tenant', (name) => {
  expect(isTenantName(name)).toBe(true)
})

it.each(['', 'A', '-a', '.a', 'a b', 'a\n', 'é', 'x'.repeat(64)])('takes %j for no name of a tenant', (name) => {
  expect(isTenantName(name)).toBe(false)
})

it.each(['a', 'billing service', `'; drop table`, '名前 🗝', 'x'.repeat(100)])(
  'takes %j for the name of a key',
  (name) => {
    expect(isKeyName(name)).toBe(true)
  },
)

it.each(['', ' ', 'a\nb', 'a\u0000', 'a\u2028b', '\ud800', 'x'.repeat(101)])(
  'takes %j for no name of a key',
  (name) => {
    expect(isKeyName(name)).toBe(false)
  },
)

it.each([' a', 'a ', '\u00a0a', 'a\u200bb', '\u202egnillib', 'a\u00ad', '\ufeffa', 'a\u{e0041}'])(
  'takes %j, of which not all is seen, for no name of a key',
  (name) => {
    expect(isKeyName(name)).toBe(false)
  },
)

it.each([
  'anyone',
  'ANYONE',
  'ａｎｙｏｎｅ',
  'key-0123abcd',
  'npm start',
  'npm  start',
  'foliot',
  'Foliot keys create',
  '0198c0de-0000-7000-8000-000000000000',
  '0198C0DE-0000-7000-8000-000000000000',
  '0198c0de000070008000000000000000',
])('takes %j, by which somebody else is known, for no name of a key', (name) => {
  expect(isKeyName(name)).toBe(false)
})

it.each(['anyone else', 'key-0123', 'foliots', 'npm', 'order-0198c0de-0000-7000-8000-000000000000'])(
  'takes %j for the name of a key',
  (name) => {
    expect(isKeyName(name)).toBe(true)
  },
)

it('makes secrets that differ, and that scanners can know', () => {
  const secrets = Array.from({ length: 100 }, newSecret)
  expect(new Set(secrets).size).toBe(100)
  for (const secret of secrets) expect(secret).toMatch(/^foliot_[\w-]{43}$/)
})
