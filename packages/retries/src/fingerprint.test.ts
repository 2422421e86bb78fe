import { describe, expect, it } from 'vitest'
import { fingerprint, normaliseMessage, topFrames } from './fingerprint.ts'

const stack = (...frames: string[]): string => ['Error: no', ...frames.map((frame) => `    at ${frame}`)].join('\n')

const failure = {
  name: 'TypeError',
  kind: 'error',
  message: 'user 17 has no address',
  stack: stack('send (/srv/app/src/mail.ts:10:5)', 'run (/srv/app/src/run.ts:3:1)', 'go (/srv/app/src/go.ts:1:1)'),
}

describe('fingerprint', () => {
  it('is the kind and a short digest, the same in every version', () => {
    expect(fingerprint('mail.send', failure)).toMatch(/^error-[0-9a-f]{16}$/)
    const { stack: _, ...plain } = failure
    expect(fingerprint('mail.send', plain)).toBe('error-8b1b5a47d588f53d')
  })

  it('is the same for what differs only in ids, numbers, lines, columns and folders, and below the third frame', () => {
    const again = {
      ...failure,
      message: 'user 4711 has no address',
      stack: stack(
        'send (/srv/app-2/src/mail.ts:12:9)',
        'async run (file:///home/x/src/run.ts:30:1)',
        'go (C:\\srv\\src\\go.ts:2:1)',
        'other (/srv/app/src/other.ts:1:1)',
      ),
    }
    expect(fingerprint('mail.send', again)).toBe(fingerprint('mail.send', failure))
  })

  it.each<[string, string, object]>([
    ['another type', 'mail.fetch', {}],
    ['another name', 'mail.send', { name: 'RangeError' }],
    ['another kind', 'mail.send', { kind: 'smtp' }],
    ['another message', 'mail.send', { message: 'user 17 has no name' }],
    ['another place', 'mail.send', { stack: stack('send (/srv/app/src/post.ts:10:5)') }],
    ['another function', 'mail.send', { stack: failure.stack.replace('send', 'resend') }],
    ['no stack', 'mail.send', { stack: undefined }],
  ])('differs for %s', (_, type, change) => {
    expect(fingerprint(type, { ...failure, ...change })).not.toBe(fingerprint('mail.send', failure))
  })

  it('does not blur its parts', () => {
    const made = [
      ['a', 'b'],
      ['a,b', ''],
      ['', 'a,b'],
    ].map(([name = '', message = '']) => fingerprint('t', { name, message, kind: 'error' }))
    expect(new Set(made).size).toBe(3)
  })
})

describe('normaliseMessage', () => {
  it.each([
    ['user 17 of 4,711', 'user * of *'],
    ['took 3.5 s, not -2', 'took * s, not *'],
    ['at 2026-11-21T10:15:00.123Z', 'at *-*-*T*Z'],
    ['connect ECONNREFUSED 10.0.0.17:5432', 'connect ECONNREFUSED *'],
    ['no order 01a1fc3c-2266-7577-960d-f9dd1cbd2923', 'no order *'],
    ['object 507f1f77bcf86cd799439011 at 0xDEADbeef', 'object * at *'],
    ['key cus_9s6XKzkNRiz8i3 is gone', 'key * is gone'],
    [`Unexpected token "x", 'y' or \`z\` in “JSON”`, 'Unexpected token *, * or * in *'],
    [`can't read 'a' of undefined, nor 'b'`, `can't read * of undefined, nor *`],
    ['{"id": 5, "name": "x"}', '{*: *, *: *}'],
    ['two\n  lines\tand a tab ', 'two lines and a tab'],
    ['a defaced facade, feed the accessor', 'a defaced facade, feed the accessor'],
    ['', ''],
  ])('%j is %j', (message, normalised) => {
    expect(normaliseMessage(message)).toBe(normalised)
  })

  it('makes one message of an id that happens to be all digits and one that does not', () => {
    expect(normaliseMessage('no order 12345678')).toBe(normaliseMessage('no order 1234567a'))
  })

  it('keeps the beginning of a long one', () => {
    expect(normaliseMessage('no '.repeat(1000))).toBe(normaliseMessage('no '.repeat(2000)))
    expect(normaliseMessage(`x${'1 '.repeat(300)}`)).toBe(normaliseMessage(`x${'22222 '.repeat(300)}`))
  })

  // A pattern that looks over the rest of the text from every place in it would not get done in time.
  it.each(['"', "'", "a'", '`', '“', '“x', '1', 'a1', 'f', '-', '0x', ' ', ':1', "'a'b", "'a"])(
    'gets done with a long one that is made of %j alone',
    (piece) => {
      expect(normaliseMessage(piece.repeat(400_000)).length).toBeLessThanOrEqual(500)
    },
  )
})

describe('topFrames', () => {
  it.each([
    ['sendMail (/srv/app/src/handlers/mail.ts:10:5)', 'sendMail (handlers/mail.ts)'],
    ['async sendMail (file:///srv/app/src/mail.ts:10:5)', 'sendMail (src/mail.ts)'],
    ['async file:///srv/app/src/mail.ts:10:5', 'src/mail.ts'],
    ['/srv/app/src/mail.ts:10:5', 'src/mail.ts'],
    ['new Mail (C:\\srv\\src\\mail.ts:10:5)', 'new Mail (src/mail.ts)'],
    ['Object.<anonymous> (/srv/mail.ts?v=17:10:5)', 'Object.<anonymous> (srv/mail.ts)'],
    ['x (/a/node_modules/.pnpm/got@14.4.5/node_modules/got/dist/source/as-promise.js:1:2)', 'x (source/as-promise.js)'],
    ['afterConnect [as oncomplete] (node:net:1637:16)', 'afterConnect [as oncomplete] (node:net)'],
    ['Array.map (<anonymous>)', 'Array.map (<anonymous>)'],
    ['async Promise.all (index 3)', 'Promise.all (index *)'],
    ['something that is no frame', 'something that is no frame'],
  ])('%s is %s', (frame, short) => {
    expect(topFrames(stack(frame))).toEqual([short])
  })

  it('takes the first three, also of the causes', () => {
    const two = stack('a (a.ts:1:1)', 'b (b.ts:1:1)')
    expect(topFrames(`${two}\ncaused by: ${stack('c (c.ts:1:1)', 'd (d.ts:1:1)')}`)).toEqual([
      'a (a.ts)',
      'b (b.ts)',
      'c (c.ts)',
    ])
  })

  it.each(['', 'Error: no', 'Error: at noon\nat lunch', '    at '])('finds none in %j', (text) => {
    expect(topFrames(text)).toEqual([])
  })
})
