import type { Job } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { createClient } from './client.ts'
import { FoliotApiError, FoliotBatchError, FoliotConnectionError } from './errors.ts'
import { answer, hangUp, job, problem, refuse, type Scene, type SeenRequest, scriptedApi } from './scripted-api.ts'

interface WireJob {
  type: string
  input: unknown
  idempotencyKey: string
}

const jobsOf = ({ body }: SeenRequest) => (body as { jobs: WireJob[] }).jobs

const accepted = (input: unknown) => ({ status: 202, job: job('queued', { input }) as Job })
const refused = (code: 'backpressure' | 'unavailable' | 'validation_failed', status: number) => ({
  status,
  error: problem(code, status),
})

/** Accepts every job of the batch. */
const acceptAll: Scene = (request, response) =>
  answer(207, { results: jobsOf(request).map(({ input }) => accepted(input)) })(request, response)

const requestsFor = (count: number) => Array.from({ length: count }, (_, input) => ({ type: 'demo.echo', input }))

describe('enqueueMany', () => {
  it('sends the jobs in one request, each under a key of its own', async () => {
    await using api = await scriptedApi(acceptAll)
    const results = await createClient({ url: api.url }).enqueueMany([
      { type: 'demo.echo', input: 'a', idempotencyKey: 'mine', delayMs: 5 },
      { type: 'demo.echo', input: 'b' },
      { type: 'demo.echo', input: 'c' },
    ])
    expect(results).toEqual([accepted('a'), accepted('b'), accepted('c')])
    expect(api.seen).toMatchObject([{ method: 'POST', path: '/v1/jobs/batch' }])
    const [first, second, third] = api.seen.flatMap(jobsOf)
    expect(first).toEqual({ type: 'demo.echo', input: 'a', idempotencyKey: 'mine', delayMs: 5 })
    expect(second?.idempotencyKey).toMatch(/^[0-9a-f]{32}$/)
    expect(third?.idempotencyKey).not.toBe(second?.idempotencyKey)
  })

  it('sends nothing for an empty list', async () => {
    await using api = await scriptedApi()
    expect(await createClient({ url: api.url }).enqueueMany([])).toEqual([])
    expect(api.seen).toEqual([])
  })

  it('cuts a long list into requests of 1000 and keeps the order', async () => {
    await using api = await scriptedApi(acceptAll, acceptAll, acceptAll)
    const results = await createClient({ url: api.url }).enqueueMany(requestsFor(2001))
    expect(api.seen.map((request) => jobsOf(request).length)).toEqual([1000, 1000, 1])
    expect(results.map((result) => result.job?.input)).toEqual(requestsFor(2001).map(({ input }) => input))
  })

  it('keeps a request below 8 MiB, counted in UTF-8', async () => {
    const sizes: number[] = []
    const measure: Scene = (request, response) => {
      sizes.push(Number(request.headers['content-length']))
      acceptAll(request, response)
    }
    await using api = await scriptedApi(measure, measure, measure)
    // 60 000 bytes in 20 000 characters.
    const input = '€'.repeat(20_000)
    await createClient({ url: api.url }).enqueueMany(requestsFor(300).map((request) => ({ ...request, input })))
    expect(api.seen.map((request) => jobsOf(request).length)).toEqual([139, 139, 22])
    for (const size of sizes) expect(size).toBeLessThanOrEqual(8 * 1024 * 1024)
  })

  it('lets one bad job spoil no other', async () => {
    const results = [accepted(0), refused('validation_failed', 400), { ...accepted(2), status: 200 }]
    await using api = await scriptedApi(answer(207, { results }))
    expect(await createClient({ url: api.url }).enqueueMany(requestsFor(3))).toEqual(results)
  })

  it('sends again only the jobs that found no room, under their keys', async () => {
    await using api = await scriptedApi(
      answer(207, {
        results: [
          accepted(0),
          refused('backpressure', 429),
          refused('validation_failed', 400),
          refused('unavailable', 503),
        ],
      }),
      answer(207, { results: [accepted(1), refused('unavailable', 503)] }),
      acceptAll,
    )
    const results = await createClient({ url: api.url }).enqueueMany(requestsFor(4))
    expect(results).toEqual([accepted(0), accepted(1), refused('validation_failed', 400), accepted(3)])
    const [first = [], second, third] = api.seen.map(jobsOf)
    expect(second).toEqual([first[1], first[3]])
    expect(third).toEqual([first[3]])
  })

  it('leaves a job that never found room with its error', async () => {
    const busy = answer(207, { results: [refused('backpressure', 429)] }, { 'retry-after': '0' })
    await using api = await scriptedApi(busy, busy)
    const results = await createClient({ url: api.url, maxRetries: 1 }).enqueueMany(requestsFor(1))
    expect(results).toEqual([refused('backpressure', 429)])
    expect(api.seen).toHaveLength(2)
  })

  it('waits for room as long as the answer asks, and no shorter', async () => {
    const arrivals: number[] = []
    const noted =
      (scene: Scene): Scene =>
      (request, response) => {
        arrivals.push(performance.now())
        scene(request, response)
      }
    const busy = answer(207, { results: [refused('backpressure', 429)] }, { 'retry-after': '1' })
    await using api = await scriptedApi(noted(busy), noted(acceptAll))
    expect(await createClient({ url: api.url }).enqueueMany(requestsFor(1))).toEqual([accepted(0)])
    const [first = 0, second = 0] = arrivals
    // A timer may be early by a millisecond.
    expect(second - first).toBeGreaterThan(990)
  })

  it('repeats a whole request under the same keys', async () => {
    await using api = await scriptedApi(hangUp, refuse('unavailable', 503, '0'), acceptAll)
    expect(await createClient({ url: api.url }).enqueueMany(requestsFor(2))).toHaveLength(2)
    for (const { body } of api.seen) expect(body).toEqual(api.seen[0]?.body)
  })

  it('keeps the results so far when it breaks off, and the rest can be sent again as it is', async () => {
    await using api = await scriptedApi(acceptAll, hangUp, acceptAll)
    const client = createClient({ url: api.url, maxRetries: 0 })
    const failure = await client.enqueueMany(requestsFor(1002)).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(FoliotBatchError)
    const { results, unanswered, cause, message } = failure as FoliotBatchError
    expect(message).toMatch(/^2 of 1002 jobs have no answer: POST .*\/v1\/jobs\/batch: fetch failed/)
    expect(cause).toBeInstanceOf(FoliotConnectionError)
    expect(results.filter((result) => result?.status === 202)).toHaveLength(1000)
    expect(results.slice(1000)).toEqual([undefined, undefined])
    expect(await client.enqueueMany(unanswered)).toEqual([accepted(1000), accepted(1001)])
    expect(api.seen[2]?.body).toEqual(api.seen[1]?.body)
  })

  it('counts a job as unanswered when the repeat of its refusal got lost', async () => {
    await using api = await scriptedApi(
      answer(207, { results: [accepted(0), refused('unavailable', 503)] }, { 'retry-after': '0' }),
      refuse('unauthorized', 401),
    )
    const failure = await createClient({ url: api.url })
      .enqueueMany(requestsFor(2))
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ results: [accepted(0), undefined], unanswered: [{ input: 1 }] })
    expect((failure as FoliotBatchError).cause).toBeInstanceOf(FoliotApiError)
  })

  it.each<[string, unknown]>([
    ['too few results', { results: [accepted(0)] }],
    ['results that are none', { results: [accepted(0), { status: 202 }] }],
    ['no results', {}],
  ])('does not guess from %s', async (_, body) => {
    await using api = await scriptedApi(answer(207, body))
    const failure = await createClient({ url: api.url })
      .enqueueMany(requestsFor(2))
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ results: [undefined, undefined], cause: { code: 'unreadable_answer' } })
  })

  it('breaks off with the reason of its signal as the cause', async () => {
    const stop = new AbortController()
    const reason = new Error('enough')
    await using api = await scriptedApi(() => stop.abort(reason))
    const failure = await createClient({ url: api.url })
      .enqueueMany(requestsFor(1), { signal: stop.signal })
      .catch((error: unknown) => error)
    expect((failure as FoliotBatchError).cause).toBe(reason)
  })

  it('refuses a list with an input that is no JSON before it sends any of it', async () => {
    await using api = await scriptedApi()
    const requests = [...requestsFor(1), { type: 'demo.echo', input: 1n }]
    await expect(createClient({ url: api.url }).enqueueMany(requests)).rejects.toThrow(TypeError)
    expect(api.seen).toEqual([])
  })
})
