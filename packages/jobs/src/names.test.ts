import { describe, expect, it } from 'vitest'
import { assertJobTypeName, assertQueueName, isJobTypeName, isQueueName } from './names.ts'

describe('a queue name', () => {
  it.each(['email', '0', 'a.b', 'a-b_c.d9', 'x'.repeat(64)])('may be %j', (name) => {
    expect(isQueueName(name)).toBe(true)
    expect(() => assertQueueName(name)).not.toThrow()
  })

  it.each(['', 'Email', '.a', '-a', '_a', 'a b', 'a:b', '../x', '{a}', 'ä', 'a\n', 'a\u0000', 'x'.repeat(65)])(
    'may not be %j, and the message says what was expected',
    (name) => {
      expect(isQueueName(name)).toBe(false)
      expect(() => assertQueueName(name)).toThrow(`expected a queue name like "email"`)
      expect(() => assertQueueName(name)).toThrow(`got ${JSON.stringify(name)}`)
    },
  )
})

describe('a job type name', () => {
  it.each(['a.b', 'billing.send-invoice', 'a.b.c', '0.9', `${'x'.repeat(126)}.y`])('may be %j', (name) => {
    expect(isJobTypeName(name)).toBe(true)
    expect(() => assertJobTypeName(name)).not.toThrow()
  })

  it.each([
    '',
    'a',
    'a.',
    '.a',
    'a..b',
    'A.b',
    'a_b.c',
    '-a.b',
    'a.-b',
    'a b.c',
    'a:b.c',
    'a.b\n',
    '__proto__',
    `${'x'.repeat(127)}.y`,
  ])('may not be %j, and the message says what was expected', (name) => {
    expect(isJobTypeName(name)).toBe(false)
    expect(() => assertJobTypeName(name)).toThrow(TypeError)
    expect(() => assertJobTypeName(name)).toThrow(`got ${JSON.stringify(name)}`)
  })

  it('is refused at once, however long it is', () => {
    expect(isJobTypeName('a.'.repeat(500_000))).toBe(false)
    expect(isJobTypeName(`a${'-a'.repeat(60)}!`)).toBe(false)
  })
})
