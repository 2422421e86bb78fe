import { sleep } from '@foliot/example-demo/jobs'
import { describeJob } from '@foliot/jobs'
import { announce } from '@foliot/queue'
import { describe, expect, it } from 'vitest'
import { openTestApi } from '../fixtures/test-api.ts'

const api = await openTestApi()

let queues = 0

/** A queue with a type of its own that takes so many jobs. */
async function newQueue(maxDepth: number | null) {
  const name = `queue-${++queues}`
  const type = `test.of-${name}`
  await announce(api.redis, [{ ...describeJob(sleep), name: type, queue: name }])
  const limit = async (value: number | null) => {
    const { status, body } = await api.send('PATCH', `/v1/queues/${name}`, { limits: { maxDepth: value } })
    expect([status, body.limits.maxDepth]).toEqual([200, value])
  }
  await limit(maxDepth)
  const request = { type, input: { ms: 1 } }
  return { name, request, limit, add: (more: object = {}) => api.post('/v1/jobs', { ...request, ...more }) }
}

describe('a queue with `maxDepth`', () => {
  it('is full with so many waiting jobs, says so, and when to come back', async () => {
    const { name, add } = await newQueue(2)
    const { id } = (await add({ delayMs: 60_000 })).job(202)
    ;(await add({ priority: 1 })).job(202)
    const refused = await add()
    const { detail, hint } = refused.problem(429, 'backpressure')
    expect(detail).toBe(`expected fewer than 2 waiting jobs in queue ${name}, found 2`)
    expect(hint).toBe('0 jobs ended in the last 10000 ms: try again in 60 s')
    expect(refused.headers.get('retry-after')).toBe('60')
    ;(await api.post(`/v1/jobs/${id}/cancel`)).job(200)
    ;(await add()).job(202)
    // One ended a moment ago, and one more would be enough.
    const wait = Number((await add()).headers.get('retry-after'))
    expect(wait).toBeGreaterThanOrEqual(1)
    expect(wait).toBeLessThanOrEqual(10)
  })

  it('takes more as soon as the limit is raised or lifted', async () => {
    const { add, limit } = await newQueue(1)
    ;(await add()).job(202)
    ;(await add()).problem(429, 'backpressure')
    await limit(2)
    ;(await add()).job(202)
    ;(await add()).problem(429, 'backpressure')
    await limit(null)
    ;(await add()).job(202)
  })

  it('has no say over another queue', async () => {
    const { add } = await newQueue(1)
    const other = await newQueue(null)
    ;(await add()).job(202)
    ;(await add()).problem(429, 'backpressure')
    ;(await other.add()).job(202)
  })

  it('takes those of a batch that it has room for, and says when to send the others', async () => {
    const { request } = await newQueue(2)
    const echo = { type: 'demo.echo', input: 1 }
    const { status, headers, body } = await api.post('/v1/jobs/batch', { jobs: [request, echo, request, request, {}] })
    const results = body.results as { status: number; error?: { code: string } }[]
    expect(status).toBe(207)
    expect(results.map((result) => [result.status, result.error?.code])).toEqual([
      [202, undefined],
      [202, undefined],
      [202, undefined],
      [429, 'backpressure'],
      [400, 'validation_failed'],
    ])
    expect(headers.get('retry-after')).toBe('60')
    expect((await api.post('/v1/jobs/batch', { jobs: [echo, {}] })).headers.get('retry-after')).toBeNull()
  })
})
