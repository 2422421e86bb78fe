import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ErrorCode, FoliotError } from '@foliot/jobs'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Api } from './api.ts'
import { answerError, toProblem } from './problem.ts'

/**
 * Answers to what never becomes a request of a route: bytes that are no HTTP, a path that cannot be decoded, what Node
 * would answer by itself. They are problems as well.
 */

/** For Fastify's `clientErrorHandler`: Node could not read the request. */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  endWith(socket, toUnreadable(error.code))
}

const UNREADABLE: Record<string, [code: ErrorCode, message: string]> = {
  HPE_HEADER_OVERFLOW: [
    'payload_too_large',
    'expected a request line and headers of at most 16 KiB together, got more',
  ],
  ERR_HTTP_REQUEST_TIMEOUT: ['validation_failed', 'expected the whole request within a minute, got only a part of it'],
}

function toUnreadable(code = ''): FoliotError {
  const [known, message] = UNREADABLE[code] ?? ['validation_failed', `expected HTTP/1.1, got what is none (${code})`]
  return new FoliotError(known, message)
}

/** For Fastify's `frameworkErrors`: a path that no id or name can be read from. */
export function answerUnroutable(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const { code } = error as NodeJS.ErrnoException
  const path = (request.raw.url ?? '').slice(0, 200)
  const known = code === 'FST_ERR_BAD_URL' || code === 'FST_ERR_MAX_PARAM_LENGTH'
  answerError(known ? new FoliotError('not_found', `there is nothing at ${path}`) : error, request, reply)
}

/** Takes over what Node's server answers with no body, or by closing the connection. */
export function answerByOurselves(app: Api): void {
  app.server.on('connect', (_request, socket) =>
    endWith(socket, new FoliotError('method_not_allowed', 'expected a request to this server, got CONNECT to another')),
  )
  app.server.on('checkExpectation', (request, response) => {
    const expected = String(request.headers.expect).slice(0, 100)
    const error = new FoliotError('validation_failed', `expected \`Expect: 100-continue\` or none, got ${expected}`)
    const body = JSON.stringify(toProblem(error))
    response.writeHead(error.status, headersOf(body)).end(body)
  })
  // Node's own check, which `requireHostHeader: false` turns off, answers without a body.
  app.addHook('onRequest', ({ raw }, _reply, done) => {
    if (raw.headers.host !== undefined || raw.httpVersion !== '1.1') return done()
    done(new FoliotError('validation_failed', 'expected the header `Host`, which HTTP/1.1 demands, got none'))
  })
}

/** Writes the problem to a connection that Node has given up, and ends it. */
function endWith(socket: Duplex, error: FoliotError): void {
  // Node no longer listens: a caller who is gone by now would end the process.
  socket.on('error', () => socket.destroy())
  const body = JSON.stringify(toProblem(error))
  const headers = Object.entries({ ...headersOf(body), connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}`,
  )
  const head = [`HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`, ...headers]
  if (socket.writable) socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  else socket.destroy()
}

const headersOf = (body: string) => ({
  'content-type': 'application/problem+json; charset=utf-8',
  'content-length': Buffer.byteLength(body),
})
