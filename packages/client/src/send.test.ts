import { describe, expect, it } from 'vitest'
import { createClient } from './client.ts'
import { FoliotApiError, FoliotConnectionError } from './errors.ts'
import {
  answer,
  hangUp,
  hangUpHalfway,
  JOB_ID,
  job,
  problem,
  refuse,
  type Scene,
  scriptedApi,
  silence,
} from './scripted-api.ts'

/** What a promise was rejected with. */
const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => expect.unreachable(`expected a rejection, got ${JSON.stringify(value)}`),
    (error: unknown) => error,
  )

describe('a call', () => {
  it.each<[string, Scene]>([
    ['a 429', refuse('rate_limited', 429, '0')],
    ['a 503 until a date', refuse('unavailable', 503, new Date(0).toUTCString())],
    ['a 503 that says no time', refuse('unavailable', 503)],
    ['the 502 of a gateway', answer(502, 'bad gateway')],
    ['the 504 of a gateway', answer(504, 'gateway timeout')],
    ['a connection that breaks without an answer', hangUp],
    ['a connection that breaks within the answer', hangUpHalfway],
  ])('repeats under the same key after %s', async (_, scene) => {
    await using api = await scriptedApi(scene, answer(202, job('queued')))
    expect((await createClient({ url: api.url }).enqueue('demo.echo', { a: 1 })).id).toBe(JOB_ID)
    const [first, second] = api.seen
    expect(second?.body).toEqual(first?.body)
    expect(second?.body).toHaveProperty('idempotencyKey', expect.stringMatching(/^[0-9a-f]{32}$/))
  })

  it('repeats after a connection that could not be made', async () => {
    const gone = await scriptedApi()
    await gone[Symbol.asyncDispose]()
    await using api = await scriptedApi(answer(202, job('queued')))
    const urls = [gone.url, api.url]
    const client = createClient({
      url: 'http://jobs.test',
      fetch: (url, init) => fetch(String(url).replace('http://jobs.test', urls.shift() ?? ''), init),
    })
    expect((await client.enqueue('demo.echo', 1)).id).toBe(JOB_ID)
    expect(urls).toEqual([])
  })

  it('waits at least for the seconds of Retry-After', async () => {
    const arrivals: number[] = []
    await using api = await scriptedApi(
      (request, response) => {
        arrivals.push(performance.now())
        refuse('backpressure', 429, '1')(request, response)
      },
      (request, response) => {
        arrivals.push(performance.now())
        answer(202, job('queued'))(request, response)
      },
    )
    await createClient({ url: api.url }).enqueue('demo.echo', 1)
    const [first = 0, second = 0] = arrivals
    // A timer may be early by a millisecond.
    expect(second - first).toBeGreaterThan(990)
  })

  it('gives up after `maxRetries` with the last answer', async () => {
    await using api = await scriptedApi(...Array.from({ length: 3 }, () => refuse('unavailable', 503, '0')))
    const failure = await failureOf(createClient({ url: api.url, maxRetries: 2 }).enqueue('demo.echo', 1))
    expect(failure).toBeInstanceOf(FoliotApiError)
    expect(failure).toMatchObject({ status: 503, code: 'unavailable', retryAfterMs: 0 })
    expect(api.seen).toHaveLength(3)
  })

  it('does not wait for a server that asks for more than a minute', async () => {
    await using api = await scriptedApi(refuse('rate_limited', 429, '61'))
    const failure = await failureOf(createClient({ url: api.url }).enqueue('demo.echo', 1))
    expect(failure).toMatchObject({ status: 429, retryAfterMs: 61_000 })
    expect(api.seen).toHaveLength(1)
  })

  it.each([
    ['validation_failed', 400],
    ['unauthorized', 401],
    ['forbidden', 403],
    ['unknown_job_type', 404],
    ['payload_too_large', 413],
    ['idempotency_key_reused', 422],
    ['internal', 500],
  ] as const)('does not repeat after %s', async (code, status) => {
    await using api = await scriptedApi(refuse(code, status, '0'))
    const failure = await failureOf(createClient({ url: api.url }).enqueue('demo.echo', 1))
    expect(failure).toMatchObject({ name: 'FoliotApiError', status, code, problem: problem(code, status) })
    expect(api.seen).toHaveLength(1)
  })

  it('tells in its message what the api said, down to the fields', async () => {
    const said = problem('validation_failed', 400, {
      detail: 'the input does not fit image.resize',
      hint: 'see GET /v1/job-types',
      errors: [
        { path: '/input/url', message: 'is required' },
        { path: '', message: 'has an unknown field `inptu`' },
      ],
    })
    await using api = await scriptedApi(answer(400, said))
    await expect(createClient({ url: api.url }).enqueue('image.resize', {})).rejects.toThrow(
      'validation_failed (400): the input does not fit image.resize; /input/url: is required; has an unknown field `inptu`; see GET /v1/job-types',
    )
  })

  it('says so when the api cannot be reached, and why', async () => {
    const gone = await scriptedApi()
    await gone[Symbol.asyncDispose]()
    const failure = await failureOf(createClient({ url: gone.url, maxRetries: 0 }).enqueue('demo.echo', 1))
    expect(failure).toBeInstanceOf(FoliotConnectionError)
    expect(String(failure)).toMatch(/POST http:.*\/v1\/jobs: fetch failed: connect ECONNREFUSED \S+:\d+$/)
  })

  it('counts an answer that takes longer than `timeoutMs` as lost', async () => {
    await using api = await scriptedApi(silence, silence)
    let tries = 0
    const client = createClient({
      url: api.url,
      timeoutMs: 100,
      maxRetries: 1,
      fetch: (...request) => {
        tries++
        return fetch(...request)
      },
    })
    const failure = await failureOf(client.enqueue('demo.echo', 1))
    expect(failure).toBeInstanceOf(FoliotConnectionError)
    expect(String(failure)).toContain('no answer within 100 ms')
    expect(tries).toBe(2)
  })

  it.each([
    ['a page of another server', 200, '<html>hello</html>', {}, /answered 200 .*is `url` the address.*<html>hello/],
    ['JSON of another server', 200, '{"hello":1}', {}, /answered 200 .*\{"hello":1\}/],
    ['an error page', 403, '<h1>blocked</h1>', {}, /answered 403 .*<h1>blocked/],
    [
      'a redirect',
      301,
      '',
      { location: 'https://jobs.test/v1/jobs' },
      /redirected to https:\/\/jobs.test\/v1\/jobs; set `url`/,
    ],
  ])('says so when it meets %s', async (_, status, body, headers, message) => {
    await using api = await scriptedApi((_, response) => void response.writeHead(status, headers).end(body))
    const failure = await failureOf(createClient({ url: api.url }).enqueue('demo.echo', 1))
    expect(failure).toMatchObject({ name: 'FoliotApiError', code: 'unreadable_answer', problem: undefined, status })
    expect(String(failure)).toMatch(message)
    expect(api.seen).toHaveLength(1)
  })

  it('ends with the reason of its signal, during a request and between two', async () => {
    const stop = new AbortController()
    const reason = new Error('enough')
    await using api = await scriptedApi(() => stop.abort(reason))
    expect(await failureOf(createClient({ url: api.url }).enqueue('demo.echo', 1, { signal: stop.signal }))).toBe(
      reason,
    )

    const stopLater = new AbortController()
    await using busy = await scriptedApi((request, response) => {
      refuse('unavailable', 503, '50')(request, response)
      response.on('close', () => stopLater.abort(reason))
    })
    const { signal } = stopLater
    expect(await failureOf(createClient({ url: busy.url }).enqueue('demo.echo', 1, { signal }))).toBe(reason)
    expect(busy.seen).toHaveLength(1)
  })
})
