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

it.each(['', ' ', 'a\nb', 'a\u0000', 'a\u2028b', '\ud800', 'x'.repeat(101), 'anyone', ' Anyone', 'key-0123abcd'])(
  'takes %j for no name of a key',
  (name) => {
    expect(isKeyName(name)).toBe(false)
  },
)

it('makes secrets that differ, and that scanners can know', () => {
  const secrets = Array.from({ length: 100 }, newSecret)
  expect(new Set(secrets).size).toBe(100)
  for (const secret of secrets) expect(secret).toMatch(/^foliot_[\w-]{43}$/)
})
