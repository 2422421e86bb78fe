import { once } from 'node:events'
import { createConnection } from 'node:net'
import type { Problem } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { openTestApi } from './fixtures/test-api.ts'

const api = await openTestApi()

/** Sends bytes as they are, and gives what comes until the connection ends. */
function sendBytes(bytes: string, { breakOff = false } = {}): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let answer = ''
  const socket = createConnection({ host: '127.0.0.1', port: Number(new URL(api.url).port) }, () => {
    socket.write(bytes, 'latin1')
    if (breakOff) socket.end()
  })
  socket
    .setEncoding('utf8')
    .on('data', (text) => {
      answer += text
    })
    .once('error', reject)
    .once('close', () => resolve(answer))
  return promise
}

async function problemOf(bytes: string): Promise<{ status: number; head: string; problem: Problem }> {
  const answer = await sendBytes(bytes)
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  expect(head).toMatch(/content-type: application\/problem\+json/i)
  const problem = JSON.parse(body) as Problem
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1])
  expect(problem).toMatchObject({ status, type: `urn:foliot:error:${problem.code}`, title: expect.any(String) })
  return { status, head, problem }
}

const lines = (...all: string[]): string => `${all.join('\r\n')}\r\n\r\n`

describe('what is no request', () => {
  it.each<[string, string, number]>([
    ['words', lines('GARBAGE'), 400],
    ['a method that is none', lines('BREW /v1/jobs HTTP/1.1', 'host: x'), 400],
    ['a broken header', lines('GET /v1/jobs HTTP/1.1', 'host: x', 'no colon'), 400],
    ['a NUL byte in the path', lines('GET /v1/jobs/\u0000 HTTP/1.1', 'host: x'), 400],
    ['a NUL byte in a header', lines('GET /v1/jobs HTTP/1.1', 'host: x', 'a: b\u0000c'), 400],
    ['no host', lines('GET /v1/jobs HTTP/1.1', 'connection: close'), 400],
    ['a length that is none', lines('POST /v1/jobs HTTP/1.1', 'host: x', 'content-length: abc'), 400],
    ['a negative length', lines('POST /v1/jobs HTTP/1.1', 'host: x', 'content-length: -1'), 400],
    [
      'two ideas of the length',
      lines('POST /v1/jobs HTTP/1.1', 'host: x', 'content-length: 5', 'transfer-encoding: chunked'),
      400,
    ],
    [
      'a chunk that is none',
      `${lines('POST /v1/jobs HTTP/1.1', 'host: x', 'content-type: application/json', 'transfer-encoding: chunked')}zz\r\n`,
      400,
    ],
    ['HTTP/2', lines('PRI * HTTP/2.0', '', 'SM'), 400],
    [
      'an expectation nobody has',
      lines('POST /v1/jobs HTTP/1.1', 'host: x', 'expect: the-worst', 'connection: close'),
      400,
    ],
    ['a tunnel', lines('CONNECT example.org:443 HTTP/1.1', 'host: example.org'), 405],
    ['headers without end', lines('GET /healthz HTTP/1.1', 'host: x', `a: ${'b'.repeat(40_000)}`), 413],
    ['a path without end', lines(`GET /v1/jobs/${'a'.repeat(40_000)} HTTP/1.1`, 'host: x'), 413],
  ])('%s is answered with a problem', async (_, bytes, status) => {
    expect((await problemOf(bytes)).status).toBe(status)
  })

  it('leaves the api well, also if the caller does not take the answer', async () => {
    const requests = ['GARBAGE', 'CONNECT x:1 HTTP/1.1\r\nhost: x', 'GET /v1/jobs HTTP/1.1\r\nhost: x\r\nexpect: x']
    for (const bytes of requests.flatMap((request) => Array(20).fill(lines(request)))) {
      const socket = createConnection(Number(new URL(api.url).port), '127.0.0.1').on('error', () => undefined)
      await once(socket, 'connect')
      socket.write(bytes, () => socket.resetAndDestroy())
      await once(socket, 'close')
    }
    await api.get('/healthz').then(({ status }) => expect(status).toBe(200))
  })
})

describe('a path', () => {
  it.each([
    '/',
    '/v1',
    '/v1/',
    '/v1/nothing',
    '//v1/jobs',
    '/V1/JOBS',
    '/v1/jobs/a/b/c',
    '/v1/queues/../x',
    '/%',
    '/v1/%ff',
    '*',
  ])('that is %s is not there', async (path) => {
    const { problem } = await problemOf(lines(`GET ${path} HTTP/1.1`, 'host: x', 'connection: close'))
    expect(problem.code).toBe('not_found')
  })

  it.each<[string, string, string]>([
    ['DELETE', '/v1/jobs', 'GET, HEAD, POST'],
    ['PUT', '/v1/jobs/0198c0de-0000-7000-8000-000000000000', 'DELETE, GET, HEAD'],
    ['GET', '/v1/jobs/0198c0de-0000-7000-8000-000000000000/cancel', 'POST'],
    ['POST', '/v1/queues/demo', 'GET, HEAD, PATCH'],
    ['PATCH', '/healthz?a=b', 'GET, HEAD'],
    ['OPTIONS', '/v1/jobs', 'GET, HEAD, POST'],
    ['PROPFIND', '/v1/workers', 'GET, HEAD'],
    ['TRACE', '/v1/workers', 'GET, HEAD'],
    ['POST', '/docs/static/index.css', 'GET, HEAD'],
  ])('takes no %s %s, and says what it takes', async (method, path, allowed) => {
    const { problem, head } = await problemOf(lines(`${method} ${path} HTTP/1.1`, 'host: x', 'connection: close'))
    expect(problem.code).toBe('method_not_allowed')
    expect(/^allow: (.*)$/im.exec(head)?.[1]).toBe(allowed)
  })
})

it('goes on where `Expect: 100-continue` asks to', async () => {
  const body = '{"type":"demo.echo","input":1}'
  const head = lines(
    'POST /v1/jobs HTTP/1.1',
    'host: x',
    'content-type: application/json',
    `content-length: ${body.length}`,
    'expect: 100-continue',
    'connection: close',
  )
  expect(await sendBytes(head + body)).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 202 Accepted\r\n/)
})

it('answers HTTP/1.0 without a host', async () => {
  expect(await sendBytes(lines('GET /healthz HTTP/1.0'))).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
})

it('closes the connection of whoever never ends a request', async () => {
  expect(
    await sendBytes('POST /v1/jobs HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{}', { breakOff: true }),
  ).toMatch(/ 400 Bad Request/)
})
