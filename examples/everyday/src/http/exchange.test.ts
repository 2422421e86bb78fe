import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { UnrecoverableError } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { parseAllowList } from './allow-list.ts'
import { exchange } from './exchange.ts'
import { makeGate, type Resolve } from './gate.ts'
import { type MessageOptions, makeMessage } from './message.ts'
import { startTestServer } from './test-server.ts'

/** Every name leads to the loopback, where the servers of these tests are. */
const resolve: Resolve = async () => [{ address: '127.0.0.1', family: 4 }]

const { signal } = new AbortController()

async function ask(options: MessageOptions, allow: string) {
  const gate = makeGate(parseAllowList(allow).allow, resolve)
  const answer = await exchange(makeMessage(options), { gate, signal })
  let text = ''
  for await (const chunk of answer.body) text += chunk
  return { ...answer, text }
}

/** A server that leads from /0 to /1 and so on, and answers at `last`. */
const startChain = (last: number) =>
  startTestServer((request, response) => {
    const step = Number(request.url?.slice(1))
    if (step === last) response.end('arrived')
    else response.writeHead(302, { location: `/${step + 1}` }).end('on you go')
  })

describe('exchange', () => {
  it('follows five redirects', async () => {
    const server = await startChain(5)
    const answer = await ask({ url: `${server.origin}/0` }, server.host)
    expect(answer).toMatchObject({ status: 200, text: 'arrived', message: { url: new URL(`${server.origin}/5`) } })
    expect(server.arrivals).toHaveLength(6)
  })

  it('refuses the sixth', async () => {
    const server = await startChain(6)
    await expect(ask({ url: `${server.origin}/0` }, server.host)).rejects.toEqual(
      expect.objectContaining({ kind: 'too_many_redirects', retryable: false }),
    )
    expect(server.arrivals).toHaveLength(6)
  })

  it('takes a redirect that leads nowhere for an answer', async () => {
    const server = await startTestServer((_, response) => response.writeHead(302).end('where to?'))
    expect(await ask({ url: server.origin }, server.host)).toMatchObject({ status: 302, text: 'where to?' })
  })

  it('closes the connection of a redirect that it cannot follow', async () => {
    const closed = Promise.withResolvers<void>()
    const server = await startTestServer((_, response) => {
      response.on('close', closed.resolve).writeHead(302, { location: 'http://' }).write('without end')
    })
    await expect(ask({ url: server.origin }, server.host)).rejects.toThrow('expected a redirect to a URL')
    await closed.promise
  })

  it('connects to the address that the gate has found, with the name as host', async () => {
    const server = await startTestServer((_, response) => response.end('here'))
    const host = `billing.internal:${server.port}`
    expect(await ask({ url: `http://${host}/a` }, host)).toMatchObject({ text: 'here' })
    expect(server.arrivals).toMatchObject([{ url: '/a', headers: { host } }])
  })

  it.each([
    ['an address of the loopback', (port: number) => `http://127.0.0.1:${port}/secret`],
    ['a name that leads to the loopback', (port: number) => `http://innocent.example:${port}/secret`],
    ['a file', () => 'file:///etc/passwd'],
    ['a URL with credentials', (port: number) => `http://me:secret@allowed.example:${port}/secret`],
    ['the metadata of a cloud', () => 'http://169.254.169.254/latest/meta-data/'],
  ])('refuses a redirect to %s', async (_what, target) => {
    const server = await startTestServer((_, response) => {
      response.writeHead(307, { location: target(server.port) }).end()
    })
    const host = `allowed.example:${server.port}`
    await expect(ask({ url: `http://${host}/start` }, host)).rejects.toEqual(
      expect.objectContaining({ kind: 'forbidden_target', retryable: false }),
    )
    expect(server.arrivals.map((arrival) => arrival.url)).toEqual(['/start'])
  })

  it('keeps credentials from another origin, on the wire', async () => {
    const other = await startTestServer((_, response) => response.end('other'))
    const server = await startTestServer((_, response) => {
      response.writeHead(302, { location: `${other.origin}/b` }).end()
    })
    const headers = { authorization: 'Bearer x', cookie: 'a=1', 'x-trace': 't' }
    await ask({ url: `${server.origin}/a`, headers }, `${server.host},${other.host}`)
    expect(server.arrivals[0]?.headers).toMatchObject(headers)
    expect(other.arrivals[0]?.headers).toMatchObject({ 'x-trace': 't' })
    expect(other.arrivals[0]?.headers).not.toHaveProperty('authorization')
    expect(other.arrivals[0]?.headers).not.toHaveProperty('cookie')
  })

  it.each([
    [303, 'GET', ''],
    [307, 'POST', '{"a":1}'],
  ])('sends what status %i asks for: %s', async (status, method, body) => {
    const server = await startTestServer((request, response) => {
      if (request.url === '/b') response.end()
      else response.writeHead(status, { location: '/b' }).end()
    })
    await ask({ url: `${server.origin}/a`, method: 'POST', body: { a: 1 } }, server.host)
    expect(server.arrivals[1]).toMatchObject({ method, url: '/b', body })
  })

  it('sends the body of any method whole', async () => {
    const server = await startTestServer((_, response) => response.end())
    const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'QUERY']
    for (const method of methods) await ask({ url: server.origin, method, body: 'ü' }, server.host)
    expect(server.arrivals.map(({ method, body }) => [method, body])).toEqual(methods.map((method) => [method, 'ü']))
  })

  it('gives the name of the request and not its query to a network error', async () => {
    const server = await startTestServer((request) => request.socket.destroy())
    await expect(ask({ url: `${server.origin}/a?key=secret` }, server.host)).rejects.toEqual(
      expect.objectContaining({
        kind: 'network',
        retryable: true,
        message: `GET ${server.origin}/a failed: socket hang up`,
      }),
    )
  })

  it('has a reason for a refused connection', async () => {
    const gate = makeGate(parseAllowList('localhost').allow)
    const message = makeMessage({ url: 'http://localhost:1/' })
    await expect(exchange(message, { gate, signal })).rejects.toThrow(
      /^GET http:\/\/localhost:1\/ failed: .*ECONNREFUSED/,
    )
  })

  it('takes a body that ends too early for a network error', async () => {
    const server = await startTestServer((_, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('half', () => response.destroy())
    })
    await expect(ask({ url: server.origin }, server.host)).rejects.toEqual(
      expect.objectContaining({ kind: 'network', retryable: true }),
    )
  })

  it('takes what is no HTTP for a network error, also if it comes along with a good head', async () => {
    const bad = ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nno length\r\n', 'SSH-2.0-server\r\n']
    for (const bytes of bad) {
      const server = createServer((socket) => socket.on('error', () => {}).end(bytes)).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      const asking = ask({ url: `http://127.0.0.1:${port}/` }, '127.0.0.1')
      await expect(asking, bytes).rejects.toEqual(expect.objectContaining({ kind: 'network', retryable: true }))
      server.close()
    }
  })

  it('does not turn a refusal into a network error', async () => {
    await expect(ask({ url: 'http://innocent.example/' }, '')).rejects.toBeInstanceOf(UnrecoverableError)
  })

  it('stops waiting for a name that is never resolved', async () => {
    const stop = new AbortController()
    const asked = Promise.withResolvers<void>()
    const gate = makeGate(new Set(), () => {
      asked.resolve()
      return new Promise(() => {})
    })
    const asking = exchange(makeMessage({ url: 'http://slow.example/' }), { gate, signal: stop.signal })
    await asked.promise
    const reason = new Error('cancelled')
    stop.abort(reason)
    await expect(asking).rejects.toBe(reason)
  })
})
