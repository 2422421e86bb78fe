import { describe, expect, it } from 'vitest'
import { formatTraceparent, newTraceparent, parseTraceparent, traceContextOf } from './trace-context.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const fresh = (flags: string) =>
  expect.stringMatching(new RegExp(`^00-(?!${TRACE})[0-9a-f]{32}-[0-9a-f]{16}-${flags}$`))

describe('newTraceparent', () => {
  it('is valid, sampled and different each time, also when the random bytes run out', () => {
    const made = Array.from({ length: 1000 }, () => newTraceparent())
    expect(new Set(made).size).toBe(1000)
    expect(new Set(made.map((header) => parseTraceparent(header)?.traceId)).size).toBe(1000)
    expect(new Set(made.map((header) => parseTraceparent(header)?.spanId)).size).toBe(1000)
    expect(made.every((header) => parseTraceparent(header)?.flags === 1)).toBe(true)
  })
})

describe('parseTraceparent', () => {
  it('reads what formatTraceparent writes', () => {
    const context = { traceId: TRACE, spanId: SPAN, flags: 0 }
    expect(formatTraceparent(context)).toBe(`00-${TRACE}-${SPAN}-00`)
    expect(parseTraceparent(formatTraceparent(context))).toEqual(context)
  })

  it('reads a later version as far as version 00 goes', () => {
    expect(parseTraceparent(`cc-${TRACE}-${SPAN}-03-what-comes`)).toEqual({ traceId: TRACE, spanId: SPAN, flags: 3 })
  })

  it.each([
    '',
    'x',
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-1`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE}-${SPAN}-01 `,
    `00-${TRACE}-${SPAN}-01\n`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.slice(1)}-${SPAN}-01`,
    `00-${'g'.repeat(32)}-${SPAN}-01`,
  ])('refuses %j', (header) => {
    expect(parseTraceparent(header)).toBeUndefined()
  })
})

describe('traceContextOf', () => {
  it.each([
    ['W3C', { traceparent: `00-${TRACE}-${SPAN}-01` }, '01'],
    ['W3C that is not sampled', { traceparent: `00-${TRACE}-${SPAN}-00` }, '00'],
    ['one B3 header', { b3: `${TRACE}-${SPAN}-1-05e3ac9a4f6e3b90` }, '01'],
    ['one B3 header in upper case', { b3: `${TRACE.toUpperCase()}-${SPAN}` }, '01'],
    ['one B3 header that is debugged', { b3: `${TRACE}-${SPAN}-d` }, '01'],
    ['one B3 header that is not sampled', { b3: `${TRACE}-${SPAN}-0` }, '00'],
    ['several B3 headers', { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-sampled': '1' }, '01'],
    ['several B3 headers without a word on sampling', { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN }, '01'],
    ['several B3 headers not sampled', { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-sampled': '0' }, '00'],
    [
      'several B3 headers not sampled, in words',
      { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-sampled': 'false' },
      '00',
    ],
    [
      'several B3 headers, debugged',
      { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-sampled': '0', 'x-b3-flags': '1' },
      '01',
    ],
    ['W3C before B3', { traceparent: `00-${TRACE}-${SPAN}-01`, b3: `${'1'.repeat(32)}-${'2'.repeat(16)}-0` }, '01'],
    ['B3 if W3C is not valid', { traceparent: '00-x', b3: `${TRACE}-${SPAN}-1` }, '01'],
  ])('goes on with the trace of %s', (_, headers, flags) => {
    expect(traceContextOf(headers)).toBe(`00-${TRACE}-${SPAN}-${flags}`)
  })

  it('fills up a short B3 trace id', () => {
    expect(traceContextOf({ b3: `${TRACE.slice(16)}-${SPAN}-1` })).toBe(
      `00-${'0'.repeat(16)}${TRACE.slice(16)}-${SPAN}-01`,
    )
  })

  it.each([
    ['no header', {}, '01'],
    ['a traceparent that is not valid', { traceparent: `00-${TRACE}-${'0'.repeat(16)}-01` }, '01'],
    ['two traceparents', { traceparent: [`00-${TRACE}-${SPAN}-01`, `00-${TRACE}-${SPAN}-01`] }, '01'],
    ['a B3 header that only says no', { b3: '0' }, '00'],
    ['a B3 header that only says yes', { b3: '1' }, '01'],
    ['a B3 header that is not valid', { b3: `${TRACE}-x-1` }, '01'],
    ['a B3 trace id of zeros', { b3: `${'0'.repeat(32)}-${SPAN}-1` }, '01'],
    ['a B3 trace id without a span id', { 'x-b3-traceid': TRACE }, '01'],
    ['a B3 decision alone', { 'x-b3-sampled': '0' }, '00'],
  ])('starts a new trace for %s', (_, headers, flags) => {
    expect(traceContextOf(headers)).toEqual(fresh(flags))
  })
})
