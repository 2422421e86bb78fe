import { describe, expect, it } from 'vitest'
import { redact } from './redact.ts'

const names = new Set(['token', 'card'])

describe('redact', () => {
  it('replaces what stands under the names, whatever it is, at any depth', () => {
    const value = { token: 't', user: { card: { number: 1 }, name: 'n' }, list: [{ token: null }, ['token']] }
    expect(redact(value, names)).toEqual({
      token: '[redacted]',
      user: { card: '[redacted]', name: 'n' },
      list: [{ token: '[redacted]' }, ['token']],
    })
  })

  it.each([null, 1, 'token', true, [], {}])('leaves %j as it is', (value) => {
    expect(redact(value, names)).toEqual(value)
  })

  it('gives the same value if there are no names', () => {
    const value = { token: 't' }
    expect(redact(value, new Set())).toBe(value)
  })

  it('replaces a field that an object would take for its prototype', () => {
    const value = JSON.parse('{"__proto__":{"token":"t"}}')
    expect(JSON.stringify(redact(value, names))).toBe('{"__proto__":{"token":"[redacted]"}}')
  })
})
