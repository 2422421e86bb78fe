import { once } from 'node:events'
import type { RequestListener, ServerResponse } from 'node:http'
import type { JobInput } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { httpRequest } from '../jobs.ts'
import { testContext } from '../test-context.ts'
import { parseAllowList } from './allow-list.ts'
import { makeGate } from './gate.ts'
import { makeHttpRequest } from './http-request.ts'
import { startTestServer } from './test-server.ts'

type Input = JobInput<typeof httpRequest>

/** Runs the handler on an input as a worker would: parsed before, and its output checked afterwards. */
async function run(input: Input, { allow = '127.0.0.1', ctx = testContext().ctx } = {}) {
  const handler = makeHttpRequest(makeGate(parseAllowList(allow).allow))
  const output = await handler(httpRequest.input.parse(input), ctx)
  return httpRequest.output?.parse(output)
}

async function runAgainst(answer: RequestListener, input: Omit<Input, 'url'> = {}) {
  const server = await startTestServer(answer)
  return { server, output: await run({ url: `${server.origin}/a`, ...input }) }
}

const failure = (fields: object) => expect.objectContaining({ retryable: true, ...fields })

describe('http.request', () => {
  it('gives status, headers, preview, size and duration of an answer', async () => {
    const { server, output } = await runAgainst((_, response) => {
      response.setHeader('set-cookie', ['a=1', 'b=2'])
      response.writeHead(201, { 'content-type': 'text/plain', 'x-one': 'first' }).end('made')
    })
    expect(output).toEqual({
      status: 201,
      headers: expect.objectContaining({ 'content-type': 'text/plain', 'x-one': 'first', 'set-cookie': 'a=1, b=2' }),
      bodyPreview: 'made',
      bodyBytes: 4,
      bodyCut: false,
      durationMs: expect.any(Number),
      url: `${server.origin}/a`,
    })
  })

  it('sends a GET with the platform as agent by default', async () => {
    const { server } = await runAgainst((_, response) => response.end())
    expect(server.arrivals).toMatchObject([{ method: 'GET', headers: { 'user-agent': 'foliot' }, body: '' }])
  })

  it('sends method, headers and body of its input', async () => {
    const { server } = await runAgainst((_, response) => response.end(), {
      method: 'patch',
      headers: { 'X-Trace': 't' },
      body: { a: [1, null] },
    })
    expect(server.arrivals).toMatchObject([
      { method: 'PATCH', headers: { 'x-trace': 't', 'content-type': 'application/json' }, body: '{"a":[1,null]}' },
    ])
  })

  it.each([204, 304, 400, 401, 404, 409, 422])('takes status %i for an output', async (status) => {
    const { output } = await runAgainst((_, response) => response.writeHead(status).end())
    expect(output).toMatchObject({ status, bodyBytes: 0 })
  })

  it('says where the answer came from after a redirect', async () => {
    const { server, output } = await runAgainst((request, response) => {
      if (request.url === '/b') response.end('b')
      else response.writeHead(302, { location: '/b' }).end()
    })
    expect(output).toMatchObject({ status: 200, bodyPreview: 'b', url: `${server.origin}/b` })
  })

  it('gives a redirect as output if it is not to follow it', async () => {
    const { server, output } = await runAgainst((_, response) => response.writeHead(302, { location: '/b' }).end(), {
      followRedirects: false,
    })
    expect(output).toMatchObject({ status: 302, headers: { location: '/b' }, url: `${server.origin}/a` })
    expect(server.arrivals).toHaveLength(1)
  })

  it.each([429, 503])('asks for another attempt no earlier than a %i says', async (status) => {
    const asking = runAgainst((_, response) => response.writeHead(status, { 'retry-after': '7' }).end())
    await expect(asking).rejects.toEqual(failure({ kind: `http_${status}`, retryAfterMs: 7000 }))
  })

  it('reads the date of a Retry-After', async () => {
    const date = new Date(Date.now() + 3_600_000).toUTCString()
    const asking = runAgainst((_, response) => response.writeHead(503, { 'retry-after': date }).end())
    const error: { retryAfterMs: number } = await asking.then(
      () => expect.unreachable(),
      (thrown) => thrown,
    )
    expect(error.retryAfterMs).toBeGreaterThan(3_000_000)
    expect(error.retryAfterMs).toBeLessThanOrEqual(3_600_000)
  })

  it('leaves the time of the next attempt to the policy if the server does not say', async () => {
    const asking = runAgainst((_, response) => response.writeHead(429).end())
    await expect(asking).rejects.toEqual(failure({ kind: 'http_429', retryAfterMs: undefined }))
  })

  it.each([500, 502, 504, 599])('asks for another attempt at a %i', async (status) => {
    const asking = runAgainst((_, response) => response.writeHead(status, { 'retry-after': '7' }).end())
    await expect(asking).rejects.toEqual(failure({ kind: 'http_5xx', retryAfterMs: undefined }))
  })

  it('does not read the body of an answer that it throws', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    const asking = runAgainst((_, response) => {
      response.on('close', resolve).writeHead(500).flushHeaders()
    })
    await expect(asking).rejects.toEqual(failure({ kind: 'http_5xx' }))
    await closed
  })

  it('refuses the loopback unless it is allowed, and sends nothing there', async () => {
    const server = await startTestServer((_, response) => response.end())
    for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]']) {
      await expect(run({ url: `http://${host}:${server.port}/` }, { allow: '' }), host).rejects.toEqual(
        expect.objectContaining({ kind: 'forbidden_target', retryable: false }),
      )
    }
    expect(server.arrivals).toEqual([])
  })

  it('stops reading a body at 10 MiB and closes the connection', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    const { output } = await runAgainst((_, response) => {
      writeWithoutEnd(response.on('close', resolve))
    })
    expect(output).toMatchObject({ bodyBytes: 10 * 1024 * 1024, bodyCut: true })
    await closed
  })

  it.each([
    ['an answer', () => {}],
    ['the end of a body', (response: ServerResponse) => response.write('half')],
  ])('gives up waiting for %s after timeoutMs', async (_what, answer) => {
    const asking = runAgainst((_, response) => answer(response), { timeoutMs: 100 })
    await expect(asking).rejects.toEqual(
      failure({ kind: 'network', message: expect.stringContaining('the whole answer within 100 ms') }),
    )
  })

  it.each([
    ['an answer', () => {}],
    ['the end of a body', (response: ServerResponse) => response.write('half')],
  ])('stops waiting for %s with the reason of its signal', async (_what, answer) => {
    const stop = new AbortController()
    const arrived = Promise.withResolvers<ServerResponse>()
    const server = await startTestServer((_, response) => {
      answer(response)
      arrived.resolve(response)
    })
    const running = run({ url: server.origin }, { ctx: testContext({ signal: stop.signal }).ctx })
    const closed = once(await arrived.promise, 'close')
    const reason = new Error('cancelled')
    stop.abort(reason)
    await expect(running).rejects.toBe(reason)
    await closed
  })

  it('sends nothing if its signal has aborted before', async () => {
    const server = await startTestServer((_, response) => response.end())
    const reason = new Error('cancelled')
    const { ctx } = testContext({ signal: AbortSignal.abort(reason) })
    await expect(run({ url: server.origin }, { ctx })).rejects.toBe(reason)
    expect(server.arrivals).toEqual([])
  })

  it('writes one line into the log, without the query', async () => {
    const server = await startTestServer((_, response) => response.end())
    const { ctx, lines } = testContext()
    await run({ url: `${server.origin}/a?key=secret` }, { ctx })
    expect(lines).toEqual([`GET ${server.origin}/a answered 200`])
  })
})

function writeWithoutEnd(response: ServerResponse): void {
  const chunk = Buffer.alloc(256 * 1024, 'x')
  const write = (): void => {
    while (!response.destroyed && response.write(chunk));
  }
  response.on('drain', write)
  write()
}
