import { LIMITS } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { LogSender } from './log-sender.ts'

/** A sender, and what it has sent: batches that are taken when the test says so. */
function open() {
  const sent: string[][] = []
  const takes: (() => void)[] = []
  const sender = new LogSender((lines) => {
    sent.push(lines)
    return new Promise<void>((resolve) => takes.push(resolve))
  })
  return { sender, sent, takeNext: () => takes.shift()?.() }
}

describe('LogSender', () => {
  it('sends a line before it returns: the next thing may be a crash', () => {
    const { sender, sent } = open()
    sender.add('one')
    sender.add('two')
    expect(sent).toEqual([['one'], ['two']])
  })

  it('waits while too much is on its way, and then sends what has come together', async () => {
    const { sender, sent, takeNext } = open()
    const long = 'x'.repeat(8000)
    for (let i = 0; i < 15; i++) sender.add(long)
    const before = sent.length
    expect(before).toBeLessThan(15)
    sender.add('last')
    const flushed = sender.flush()
    takeNext()
    await flushed
    expect(sent).toHaveLength(before + 1)
    expect(sent.at(-1)?.at(-1)).toBe('last')
    expect(sent.flat()).toHaveLength(16)
  })

  it('keeps the last lines of those that wait', async () => {
    const { sender, sent, takeNext } = open()
    for (let i = 0; i < 100_000; i++) sender.add(`line ${i}`)
    const flushed = sender.flush()
    const before = sent.length
    for (let i = 0; i < before; i++) takeNext()
    await flushed
    const late = sent.slice(before).flat()
    expect(late.length).toBeGreaterThanOrEqual(LIMITS.logLines)
    expect(late.length).toBeLessThanOrEqual(2 * LIMITS.logLines)
    expect(late.at(-1)).toBe('line 99999')
  })

  it('cuts a line to its limit', () => {
    const { sender, sent } = open()
    sender.add('x'.repeat(100_000))
    expect(Buffer.byteLength(sent[0]?.[0] ?? '')).toBeLessThanOrEqual(LIMITS.logLineBytes)
  })
})
