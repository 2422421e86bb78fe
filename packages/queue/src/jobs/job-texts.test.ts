import { describe, expect, it } from 'vitest'
import { enqueue } from '../enqueue/enqueue.ts'
import { newJob, openTestQueues } from '../fixtures/test-queues.ts'
import { jobKey } from '../keys.ts'
import { textsOf } from './job-texts.ts'

const q = await openTestQueues()

const inputText = '{"2":1.0,"1":12345678901234567890}'

describe('textsOf', () => {
  it('gives an input as it was sent and an output as it was stored', async () => {
    const queue = q.newQueue()
    const { job } = await enqueue(q.redis, newJob(queue, { input: JSON.parse(inputText), inputText }))
    expect(textsOf(job)).toEqual({ input: inputText, output: 'null' })
    expect(textsOf(await q.read(queue, job.id))).toEqual({ input: inputText, output: 'null' })
    await q.consume(queue, async () => ({ kind: 'succeeded', output: '[1.50]' }))
    const ended = await q.readWhen(queue, job.id, ({ status }) => status === 'succeeded')
    expect(textsOf(ended)).toEqual({ input: inputText, output: '[1.50]' })
    expect(ended).toMatchObject({ input: { 1: 12345678901234567000, 2: 1 }, output: [1.5] })
  })

  it('gives that of the first job to whoever repeats the request', async () => {
    const idempotency = { key: 'texts', fingerprint: 'same' }
    const queue = q.newQueue()
    await enqueue(q.redis, newJob(queue, { input: 1, inputText: '1.0', idempotency }))
    const { job } = await enqueue(q.redis, newJob(queue, { input: 1, inputText: '1', idempotency }))
    expect(textsOf(job).input).toBe('1.0')
  })

  it.each([
    ['data', '{"a":', '"{\\"a\\":"'],
    ['data', '', '""'],
    ['data', ' [1.0] ', ' [1.0] '],
  ])('gives JSON also if the %s of a job was made %j by hand', async (field, value, text) => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    await q.redis.hset(jobKey(queue, id), field, value)
    expect(textsOf(await q.read(queue, id)).input).toBe(text)
  })

  it('gives no output that is none', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    await q.consume(queue, async () => ({ kind: 'cancelled', by: 'handler', reason: 'enough' }))
    const ended = await q.readWhen(queue, id, ({ status }) => status === 'cancelled')
    expect(textsOf(ended).output).toBe('null')
    await q.redis.hset(jobKey(queue, id), { st: 'succeeded', returnvalue: '{' })
    expect(textsOf(await q.read(queue, id)).output).toBe('null')
  })

  it('refuses a copy, which may be another job by now', async () => {
    const job = await q.add(q.newQueue())
    expect(() => textsOf({ ...job, input: 'hidden' })).toThrow(`expected the job ${job.id} as it was read`)
    expect(JSON.parse(JSON.stringify(job))).toEqual(job)
  })
})
