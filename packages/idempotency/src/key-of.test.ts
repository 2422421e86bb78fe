import { describe, expect, it } from 'vitest'
import { type KeyParts, keyOf } from './key-of.ts'
import { RUN_ONCE_LIMITS } from './limits.ts'

const parts: KeyParts = { businessId: 'order-7', operation: 'refund', time: 1_700_000_000_000, sequence: 0 }

describe('keyOf', () => {
  it('joins business id, operation, time in ms and sequence', () => {
    expect(keyOf(parts)).toBe('order-7:refund:1700000000000:0')
  })

  it('takes an instant as a Date too', () => {
    expect(keyOf({ ...parts, time: new Date('2023-11-14T23:13:20+01:00') })).toBe(keyOf(parts))
  })

  it('keeps letters of any script, and encodes what would blur the parts', () => {
    const odd = { ...parts, businessId: 'заказ №7 🎉', operation: 'a:b%3A\0\n' }
    expect(keyOf(odd)).toBe('заказ №7 🎉:a%3Ab%253A%00%0A:1700000000000:0')
  })

  it('never makes one key of two different tuples', () => {
    const texts = [
      'a',
      'b',
      'A',
      ':',
      '::',
      'a:',
      ':a',
      'a:b',
      'b:1',
      '1',
      '%',
      '%3A',
      '%253A',
      '3A',
      'a\0',
      '\0',
      'é',
      'e\u0301',
    ]
    const numbers = [0, 1, 10, 11]
    const keys = texts.flatMap((businessId) =>
      texts.flatMap((operation) =>
        numbers.flatMap((time) => numbers.map((sequence) => keyOf({ businessId, operation, time, sequence }))),
      ),
    )
    expect(new Set(keys).size).toBe(texts.length ** 2 * numbers.length ** 2)
  })

  it('makes no key that a store would refuse for its length', () => {
    const worst = '\u0080'.repeat(256)
    const key = keyOf({ businessId: worst, operation: worst, time: -8.64e15, sequence: Number.MAX_SAFE_INTEGER })
    expect(key.length).toBeLessThanOrEqual(RUN_ONCE_LIMITS.keyLength)
  })

  it.each<[string, unknown]>([
    ['businessId', ''],
    ['businessId', 7],
    ['businessId', undefined],
    ['businessId', 'half \udc00'],
    ['operation', 'x'.repeat(257)],
    ['time', 1.5],
    ['time', new Date('no date')],
    ['time', 8.64e15 + 1],
    ['time', '2023-11-14T22:13:20Z'],
    ['time', null],
    ['sequence', -1],
    ['sequence', 0.5],
    ['sequence', 2 ** 53],
    ['sequence', '1'],
  ])('refuses a wrong part by its name: %s %s', (name, value) => {
    const message = expect.stringMatching(new RegExp(`^expected ${name} to be .+, got `))
    expect(() => keyOf({ ...parts, [name]: value })).toThrow(
      expect.objectContaining({ code: 'validation_failed', message }),
    )
  })
})
