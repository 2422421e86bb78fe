import { type Backoff, DEFAULT_RETRY_POLICY } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { describeBackoff } from './describe-backoff.ts'

const say = (backoff: Partial<Backoff>, failures: number, delayMs = 0) =>
  describeBackoff({ ...DEFAULT_RETRY_POLICY, ...backoff }, failures, delayMs)

describe('describeBackoff', () => {
  it.each<[Partial<Backoff>, number, string]>([
    [{}, 3, 'exponential 4 s with full jitter: 2.7 s'],
    [{ kind: 'linear', jitter: 'equal' }, 3, 'linear 3 s with equal jitter: 2.7 s'],
    [{ kind: 'linear', stepMs: 500, jitter: 'none' }, 3, 'linear 2 s'],
    [{ kind: 'fixed', jitter: 'none' }, 9, 'fixed 1 s'],
    [{ kind: 'fixed', baseMs: 3000 }, 1, 'fixed 3 s with full jitter: 2.7 s'],
  ])('tells of %j after %d failures: %s', (backoff, failures, text) => {
    expect(say(backoff, failures, 2700)).toBe(text)
  })

  it('tells which delay of a list it is', () => {
    const list = { kind: 'list', delaysMs: [1000, 60_000], jitter: 'none' } as const
    expect(say(list, 1)).toBe('list 1 s (delay 1 of 2)')
    expect(say(list, 2)).toBe('list 1 min (delay 2 of 2)')
    expect(say(list, 7)).toBe('list 1 min (delay 2 of 2)')
    expect(say({ ...list, maxMs: 9000, jitter: 'full' }, 2, 40)).toBe(
      'list 9 s (delay 2 of 2, capped) with full jitter: 40 ms',
    )
  })

  it('tells when it is the cap that sets the delay, and not when the delay only reaches it', () => {
    expect(say({ jitter: 'none' }, 7)).toBe('exponential 1 min (capped)')
    expect(say({ jitter: 'none' }, 1000)).toBe('exponential 1 min (capped)')
    expect(say({ jitter: 'none', maxMs: 4000 }, 3)).toBe('exponential 4 s')
  })
})
