import { describe, expect, it } from 'vitest'
import { cancel, done, isOutcome, outcomeKind, snooze } from './outcome.ts'

describe('an outcome', () => {
  it('is one of done, snooze and cancel', () => {
    expect([done(1), snooze(5), cancel('r')].map(outcomeKind)).toEqual(['done', 'snooze', 'cancel'])
    expect([done({ a: 1 }), snooze(5), cancel('r')]).toMatchObject([{ value: { a: 1 } }, { ms: 5 }, { reason: 'r' }])
  })

  it('is told apart from every value that a handler may return', () => {
    for (const outcome of [done(undefined), snooze(0), cancel('')]) expect(isOutcome(outcome)).toBe(true)
    const values = [
      undefined,
      null,
      0,
      '',
      'done',
      [],
      {},
      { kind: 'snooze', ms: 5 },
      { 'foliot.outcome': 'done' },
      () => 1,
    ]
    for (const value of values) expect(isOutcome(value)).toBe(false)
  })

  it('does not survive JSON: stored data is never taken for one', () => {
    expect(isOutcome(JSON.parse(JSON.stringify(snooze(5))))).toBe(false)
  })
})

describe('snooze', () => {
  it.each([
    [0, 0],
    [0.2, 1],
    [1500.5, 1501],
    [1e12, 1e12],
  ])('takes %d ms as %d', (ms, taken) => {
    expect(snooze(ms)).toMatchObject({ ms: taken })
  })

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, '5' as never, undefined as never])('refuses %s ms', (ms) => {
    expect(() => snooze(ms)).toThrow(RangeError)
    expect(() => snooze(ms)).toThrow(`0 or more milliseconds, got ${ms}`)
  })
})
