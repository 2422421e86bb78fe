import { describe, expect, it } from 'vitest'
import { waitUntil } from './wait-until.ts'

describe('waitUntil', () => {
  it('returns the first truthy answer, passing over errors', async () => {
    const answers = [0, '', new Error('not yet'), undefined, 'there']
    const found = await waitUntil(
      () => {
        const answer = answers.shift()
        if (answer instanceof Error) throw answer
        return answer
      },
      { everyMs: 0 },
    )
    expect([found, answers]).toEqual(['there', []])
  })

  it('fails with what was waited for and the last answer', async () => {
    await expect(waitUntil(() => Number('0'), { timeoutMs: 5, what: 'a worker' })).rejects.toThrow(
      'expected within 5 ms: a worker. Came at last: 0',
    )
  })

  it('fails with the last error as its cause', async () => {
    const cause = new Error('refused')
    await expect(waitUntil(() => Promise.reject(cause), { timeoutMs: 5 })).rejects.toMatchObject({ cause })
  })

  it('keeps its bound when the check itself hangs', async () => {
    await expect(waitUntil(() => new Promise(() => {}), { timeoutMs: 5 })).rejects.toThrow('no answer in time')
  })
})
