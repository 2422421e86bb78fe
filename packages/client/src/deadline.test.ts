import { describe, expect, it } from 'vitest'
import { pause, withDeadline } from './deadline.ts'

const HOUR_MS = 3_600_000
const late = () => new Error('too late')
const stopped = new Error('stopped')

/** Counts the listeners that are left on a signal. */
function countListeners(signal: AbortSignal): () => number {
  let count = 0
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = (...all: Parameters<typeof addEventListener>) => {
    count++
    addEventListener.apply(signal, all)
  }
  signal.removeEventListener = (...all: Parameters<typeof removeEventListener>) => {
    count--
    removeEventListener.apply(signal, all)
  }
  return () => count
}

describe('withDeadline', () => {
  it('gives the result of work that is in time', async () => {
    expect(await withDeadline({ ms: HOUR_MS, reason: late, parent: undefined }, async () => 7)).toBe(7)
  })

  it('passes on the error of work that is in time', async () => {
    const broken = new Error('broken')
    const work = () => Promise.reject(broken)
    await expect(withDeadline({ ms: HOUR_MS, reason: late, parent: undefined }, work)).rejects.toBe(broken)
  })

  it('ends work that is late with its own reason', async () => {
    const work = (signal: AbortSignal) => pause(HOUR_MS, signal)
    await expect(withDeadline({ ms: 1, reason: late, parent: undefined }, work)).rejects.toThrow('too late')
  })

  it("ends work with the parent's reason, whatever the work throws then", async () => {
    const parent = new AbortController()
    const running = withDeadline({ ms: HOUR_MS, reason: late, parent: parent.signal }, (signal) =>
      pause(HOUR_MS, signal).catch(() => Promise.reject(new Error('fetch failed'))),
    )
    parent.abort(stopped)
    await expect(running).rejects.toBe(stopped)
  })

  it('does not begin under a parent that has aborted', async () => {
    const parent = AbortSignal.abort(stopped)
    await expect(withDeadline({ ms: 1, reason: late, parent }, () => expect.unreachable())).rejects.toBe(stopped)
  })

  it('leaves no listener on the parent', async () => {
    const { signal } = new AbortController()
    const left = countListeners(signal)
    await withDeadline({ ms: HOUR_MS, reason: late, parent: signal }, async () => expect(left()).toBe(1))
    expect(left()).toBe(0)
  })
})

describe('pause', () => {
  it('leaves no listener on its signal', async () => {
    const { signal } = new AbortController()
    const left = countListeners(signal)
    await pause(1, signal)
    expect(left()).toBe(0)
  })

  it('refuses at once under a signal that has aborted', async () => {
    await expect(pause(HOUR_MS, AbortSignal.abort(stopped))).rejects.toBe(stopped)
  })
})
