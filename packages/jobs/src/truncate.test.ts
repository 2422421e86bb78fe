import { describe, expect, it } from 'vitest'
import { truncate } from './truncate.ts'

describe('truncate', () => {
  it.each(['', 'short', 'x'.repeat(100), 'ü'.repeat(50), '€'.repeat(33), '\u{1F600}'.repeat(25)])(
    'leaves text that fits as it is: %s',
    (text) => {
      expect(truncate(text, 100)).toBe(text)
    },
  )

  it('says how long the text was', () => {
    expect(truncate('x'.repeat(9000), 8192)).toMatch(/^x+… \[cut from 9000 bytes\]$/)
    expect(truncate('ü'.repeat(51), 100)).toMatch(/^ü+… \[cut from 102 bytes\]$/)
  })

  const characters = ['x', 'ü', '€', '\u{1F600}', 'x€', 'ü\u{1F600}', '\u{1F468}\u200d\u{1F469}']

  it.each(characters)(
    'cuts between characters, fills the room, and is never longer than asked for: %s',
    (character) => {
      const text = character.repeat(500)
      for (let limit = 40; limit < 140; limit++) {
        const cut = truncate(text, limit)
        const [head = ''] = cut.split('…')
        expect(text.startsWith(head)).toBe(true)
        expect(head.isWellFormed()).toBe(true)
        expect(cut).not.toContain('\uFFFD')
        const bytes = Buffer.byteLength(cut)
        // What is left free is less than a character.
        expect([bytes <= limit, bytes > limit - 4]).toEqual([true, true])
      }
    },
  )

  it('cuts at the limit exactly, and not one byte before it', () => {
    expect(truncate('x'.repeat(64), 64)).toBe('x'.repeat(64))
    expect(Buffer.byteLength(truncate('x'.repeat(65), 64))).toBe(64)
    expect(truncate('ü'.repeat(32), 64)).toBe('ü'.repeat(32))
    expect(truncate('ü'.repeat(33), 64)).toMatch(/cut from 66 bytes/)
  })

  it('takes text that is not well-formed', () => {
    const cut = truncate('\uD800'.repeat(100), 64)
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(64)
    expect(cut).toMatch(/cut from 300 bytes/)
  })

  it('takes megabytes', () => {
    const cut = truncate('€'.repeat(5_000_000), 8192)
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(8192)
    expect(cut.endsWith('[cut from 15000000 bytes]')).toBe(true)
  })
})
