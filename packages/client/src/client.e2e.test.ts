import { echo, fail, sleep } from '@foliot/example-demo/jobs'
import { startApi, startWorker, testRedisUrl } from '@foliot/testkit'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { createClient } from './client.ts'
import { ClientTimeoutError } from './errors.ts'

const FOLIOT_REDIS_URL = await testRedisUrl()
const key = 'a-secret-of-some-length'
const env = { FOLIOT_REDIS_URL, FOLIOT_API_KEYS: key }
const [api] = await Promise.all([startApi(env), startWorker({ ...env, FOLIOT_JOBS: '@foliot/example-demo' })])
const foliot = createClient({ url: api.url, key })

describe('the client with a real api and worker', () => {
  it('has a job done, and knows the type of its output', async () => {
    const job = await foliot.enqueue(sleep, { ms: 5 })
    const ended = await foliot.wait(job)
    expect(ended).toMatchObject({ id: job.id, status: 'succeeded', output: { sleptMs: 5 } })
    expectTypeOf(ended.output).toEqualTypeOf<{ sleptMs: number } | null>()
    expect(await foliot.get(job)).toEqual(ended)
  })

  it.each([{ input: 1 }, { input: null }, { input: '' }, { input: [] }, { input: { a: ['é'] } }, { input: false }])(
    'gets back what it sent: $input',
    async ({ input }) => {
      expect((await foliot.wait(await foliot.enqueue(echo, input))).output).toEqual(input)
    },
  )

  it('has many jobs done, and hears of each that cannot be', async () => {
    const inputs = Array.from({ length: 1500 }, (_, i) => i)
    const results = await foliot.enqueueMany([
      ...inputs.map((input) => ({ type: 'demo.echo', input })),
      { type: 'demo.ecko', input: 1 },
      { type: 'demo.echo', input: 1, priority: -1 },
    ])
    expect(results.slice(0, -2).map(({ status }) => status)).toEqual(Array(1500).fill(202))
    expect(results.slice(-2).map(({ error }) => error?.code)).toEqual(['unknown_job_type', 'validation_failed'])
    const [first, last] = [results[0]?.job, results[1499]?.job]
    const ended = await Promise.all([first, last].map((job) => foliot.wait(job as NonNullable<typeof job>)))
    expect(ended.map(({ output }) => output)).toEqual([0, 1499])
  })

  it('makes one job of two requests with one key', async () => {
    const idempotencyKey = 'once'
    const first = await foliot.enqueue(echo, 1, { idempotencyKey })
    expect((await foliot.enqueue(echo, 1, { idempotencyKey })).id).toBe(first.id)
    await expect(foliot.enqueue(echo, 2, { idempotencyKey })).rejects.toMatchObject({ code: 'idempotency_key_reused' })
  })

  it('gets the live job with the same dedupe key', async () => {
    const dedupe = { key: 'one at a time' }
    const first = await foliot.enqueue(echo, 1, { dedupe, delayMs: 3_600_000 })
    expect((await foliot.enqueue(echo, 2, { dedupe })).id).toBe(first.id)
    const [result] = await foliot.enqueueMany([{ type: echo, input: 3, dedupe }])
    expect(result).toMatchObject({ status: 200, deduplicated: true, job: { id: first.id } })
    await foliot.cancel(first)
    expect((await foliot.enqueue(echo, 4, { dedupe })).id).not.toBe(first.id)
  })

  it('waits for room in a full queue, no shorter than it was asked to', async () => {
    const change = async (method: string, path: string, body?: object): Promise<void> => {
      const headers = { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) }
      const response = await fetch(api.url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
      expect(response.status).toBe(200)
    }
    // Much has ended lately, so the queue is thought to drain fast.
    const before = await foliot.enqueueMany(Array.from({ length: 50 }, (_, input) => ({ type: 'demo.echo', input })))
    for (const { job } of before) await foliot.wait(job as NonNullable<typeof job>)
    await change('POST', '/v1/queues/demo/pause')
    await change('PATCH', '/v1/queues/demo', { limits: { maxDepth: 1 } })
    await foliot.enqueue(echo, 'in the way').catch(() => undefined)

    const seen: { status: number; at: number; retryAfterMs: number }[] = []
    const refused = Promise.withResolvers<void>()
    const patient = createClient({
      url: api.url,
      key,
      fetch: async (...request) => {
        const response = await fetch(...request)
        const retryAfterMs = 1000 * Number(response.headers.get('retry-after'))
        seen.push({ status: response.status, at: performance.now(), retryAfterMs })
        refused.resolve()
        return response
      },
    })
    const accepted = patient.enqueue(echo, 1)
    await refused.promise
    await change('PATCH', '/v1/queues/demo', { limits: { maxDepth: null } })
    expect((await accepted).status).toBe('queued')
    expect(seen.map(({ status }) => status)).toEqual([429, 202])
    const [first, second] = seen as [(typeof seen)[0], (typeof seen)[0]]
    expect(first.retryAfterMs).toBeGreaterThanOrEqual(1000)
    // A timer may be early by a millisecond.
    expect(second.at - first.at).toBeGreaterThan(first.retryAfterMs - 10)
    await change('POST', '/v1/queues/demo/resume')
  })

  it('cancels a job, once', async () => {
    const job = await foliot.enqueue(echo, 1, { delayMs: 3_600_000, labels: { a: 'b' } })
    expect(await foliot.cancel(job)).toMatchObject({ status: 'cancelled', labels: { a: 'b' } })
    await expect(foliot.cancel(job)).rejects.toMatchObject({ status: 409, code: 'illegal_transition' })
    expect((await foliot.wait(job.id)).status).toBe('cancelled')
  })

  it('has a dead letter done again', async () => {
    const dead = await foliot.wait(await foliot.enqueue(fail, { times: 1, message: 'no luck' }, { attempts: 1 }))
    expect([dead.status, dead.error?.message]).toEqual(['failed', 'no luck'])
    await foliot.retry(dead)
    expect(await foliot.wait(dead)).toMatchObject({ status: 'succeeded', output: { attempt: 2 } })
  })

  it('stops waiting when its time is over; the job goes on', async () => {
    const job = await foliot.enqueue(echo, 1, { runAt: new Date(Date.now() + 3_600_000) })
    await expect(foliot.wait(job, { timeoutMs: 50 })).rejects.toBeInstanceOf(ClientTimeoutError)
    expect(await foliot.get(job)).toEqual(job)
  })

  it('says what is wrong with a request, and with its key', async () => {
    await expect(foliot.enqueue('demo.ecko', 1)).rejects.toMatchObject({
      status: 404,
      code: 'unknown_job_type',
      problem: { hint: 'did you mean "demo.echo"?' },
    })
    await expect(foliot.enqueue(echo, 'x'.repeat(70_000))).rejects.toMatchObject({ code: 'payload_too_large' })
    await expect(foliot.enqueue(echo, 'x'.repeat(1_500_000))).rejects.toMatchObject({ code: 'payload_too_large' })
    const stranger = createClient({ url: api.url, key: 'somebody-elses' })
    await expect(stranger.enqueue(echo, 1)).rejects.toMatchObject({ status: 401, code: 'unauthorized' })
  })
})
