import { describe, expect, it } from 'vitest'
import { enqueueMany } from '../enqueue/enqueue.ts'
import { newJob, openTestQueues } from '../fixtures/test-queues.ts'
import { bullKeys, deadlinesKey } from '../keys.ts'
import { type ScriptCall, sendScripts } from './send-scripts.ts'

const q = await openTestQueues()

/** Stores jobs with these inputs, and gives the inputs that Redis then holds. */
async function storeInputs(inputs: string[]): Promise<(string | null)[]> {
  const queue = q.newQueue()
  await enqueueMany(
    q.redis,
    inputs.map((inputText) => newJob(queue, { inputText })),
  )
  const { base, wait } = bullKeys(queue)
  const ids = (await q.redis.lrange(wait, 0, -1)).reverse()
  return Promise.all(ids.map((id) => q.redis.hget(base + id, 'data')))
}

/** Moves nothing, of nothing: answers an empty list. */
const redriveNothing = (queue: string): ScriptCall => {
  const { base, failed, wait, prioritized, pc, events, marker, meta } = bullKeys(queue)
  const sharedKeys = [failed, wait, prioritized, pc, events, marker, meta, deadlinesKey(queue)]
  return { script: 'redrive', sharedKeys, keys: [], args: [base, 1, '{}', 'no-job'] }
}

describe('sendScripts', () => {
  it('sends texts of every kind and size as they are', async () => {
    const texts = ['', 'a\r\nb\0c', 'żółw 🐢', '\u2028'.repeat(1000), 'x'.repeat(1_000_000), 'ü'.repeat(40_000), 'last']
    expect(await storeInputs(texts)).toEqual(texts)
  })

  it('keeps the order of thousands', async () => {
    const texts = Array.from({ length: 3000 }, (_, i) => `${i} ${'y'.repeat(i % 300)}`)
    expect(await storeInputs(texts)).toEqual(texts)
  })

  it('runs what Redis has forgotten', async () => {
    await q.redis.script('FLUSH')
    expect(await storeInputs(['1', '2'])).toEqual(['1', '2'])
    await q.redis.script('FLUSH')
    expect(await sendScripts(q.redis, [redriveNothing(q.newQueue()), redriveNothing(q.newQueue())])).toEqual([[], []])
  })

  it('gives each its own answer, and an error for one that fails', async () => {
    const wrong = q.newQueue()
    const { base, failed } = bullKeys(wrong)
    await q.redis.hset(`${base}no-job`, 'name', 'x')
    await q.redis.set(failed, 'no set')
    const replies = await sendScripts(q.redis, [redriveNothing('a'), redriveNothing(wrong), redriveNothing('b')])
    expect(replies).toEqual([[], expect.objectContaining({ message: expect.stringContaining('WRONGTYPE') }), []])
  })

  it('says of each that Redis is not there', async () => {
    const gone = q.connect()
    gone.disconnect()
    const replies = await sendScripts(gone, [redriveNothing('a'), redriveNothing('b')])
    expect(replies.map(String)).toEqual(
      Array.from({ length: 2 }, () => expect.stringContaining('Connection is closed')),
    )
  })
})
