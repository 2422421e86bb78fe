import { describe, expect, it } from 'vitest'
import { masker, redact } from './redact.ts'

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

describe('masker', () => {
  const mask = (value: unknown) => masker(value, names)

  it('replaces in texts what stands under the names: texts and numbers, at any depth', () => {
    const masked = mask({
      card: { number: '4111-1111', year: 2031 },
      list: [{ token: ['abcd', 'ef'] }],
      name: 'Jo Doe',
    })
    expect(masked('card 4111-1111 of Jo Doe, until 2031, token abcd: refused, 4111-1111')).toBe(
      'card [redacted] of Jo Doe, until [redacted], token [redacted]: refused, [redacted]',
    )
  })

  it('replaces the longer of two of which one holds the other', () => {
    expect(mask({ token: 'abcd', card: 'abcdef' })('abcdef abcd')).toBe('[redacted] [redacted]')
  })

  it('replaces them as JSON spells them too', () => {
    const token = 'pa"ss\\n\nword'
    expect(mask({ token })(JSON.stringify({ note: token }))).toBe('{"note":"[redacted]"}')
  })

  it('leaves short ones, which any text may hold, and values of other names', () => {
    const text = 'a b 123 true null secret'
    expect(mask({ token: 'a', card: [123, true, null], other: 'secret' })(text)).toBe(text)
  })

  it.each([null, undefined, 'token', 5, []])('leaves texts as they are for %j', (value) => {
    expect(mask(value)('token 5')).toBe('token 5')
  })
})
