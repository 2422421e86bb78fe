import { classifyError } from '@foliot/retries'
import { describe, expect, it } from 'vitest'
import { CallSender } from './call-sender.ts'
import type { Call } from './calls.ts'

function open() {
  const sent: Call[] = []
  const calls = new CallSender((call) => sent.push(call))
  const answer = (index: number) => calls.settle({ kind: 'answer', id: sent[index]?.id ?? -1, value: undefined })
  return { calls, sent, answer }
}

const soon = () => new Promise(setImmediate)

describe('CallSender', () => {
  it('gives each call its own answer, in whatever order they come', async () => {
    const { calls, answer } = open()
    const order: string[] = []
    const first = calls.ask('progress', '1').then(() => order.push('first'))
    const second = calls.ask('progress', '2').then(() => order.push('second'))
    answer(1)
    await second
    answer(0)
    await first
    expect(order).toEqual(['second', 'first'])
  })

  it('throws what the call threw', async () => {
    const { calls, sent } = open()
    const call = calls.ask('keepStep', 'a', '1')
    const error = classifyError(new DOMException('it is lost', 'AbortError'))
    calls.settle({ kind: 'answer', id: sent[0]?.id ?? -1, error })
    await expect(call).rejects.toMatchObject({ name: 'AbortError', message: 'it is lost' })
  })

  it('has one queued call under way at a time, in their order, also after one that failed', async () => {
    const { calls, sent, answer } = open()
    const failing = calls.queue('progress', '1')
    void calls.queue('progress', '2')
    const flushed = calls.flush()
    await soon()
    expect(sent.map(({ args }) => args)).toEqual([['1']])
    calls.settle({ kind: 'answer', id: sent[0]?.id ?? -1, error: classifyError(new Error('refused')) })
    await expect(failing).rejects.toThrow('refused')
    await soon()
    expect(sent.map(({ args }) => args)).toEqual([['1'], ['2']])
    answer(1)
    await flushed
  })

  it('does not mind an answer that nobody waits for', () => {
    expect(() => open().answer(0)).not.toThrow()
  })
})
