import { describe, expect, it } from 'vitest'
import { NO_ENVELOPE, parseEnvelope } from './envelope.ts'

const MISFIT = /missing or of the wrong type/

describe('parseEnvelope', () => {
  it('reads what was stored', () => {
    const envelope = { ...NO_ENVELOPE, version: 3, labels: { a: 'b' }, timeoutMs: 5, runAt: 1_900_000_000_000 }
    expect(parseEnvelope(JSON.stringify(envelope))).toEqual(envelope)
    expect(parseEnvelope(JSON.stringify(NO_ENVELOPE))).toEqual(NO_ENVELOPE)
  })

  it.each<[string, RegExp]>([
    ['{', /JSON/],
    ['', /JSON/],
    ...['null', '5', '"x"', '[]', '{}'].map((text): [string, RegExp] => [text, MISFIT]),
    ...[
      { version: '1' },
      { tenant: null },
      { labels: null },
      { traceparent: 7 },
      { timeoutMs: 'x' },
      { runAt: 9e15 },
    ].map((wrong): [string, RegExp] => [JSON.stringify({ ...NO_ENVELOPE, ...wrong }), MISFIT]),
  ])('refuses %s', (text, message) => {
    expect(() => parseEnvelope(text)).toThrow(message)
  })
})
