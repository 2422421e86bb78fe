import * as http from 'node:http'
import * as https from 'node:https'
import { PassThrough, type Readable } from 'node:stream'
import { JobError, UnrecoverableError } from '@foliot/jobs'
import type { Gate } from './gate.ts'
import { describeMessage, type HttpMessage } from './message.ts'
import { isRedirect, redirect } from './redirect.ts'

const REDIRECTS_MAX = 5

export interface ExchangeOptions {
  gate: Gate
  /** Ends the exchange at any point, the body included; its reason is what is thrown. */
  signal: AbortSignal
  /** Up to `REDIRECTS_MAX`. Default true. */
  followRedirects?: boolean
}

export interface Answer {
  /** The request that was answered: the first one, or what a redirect made of it. */
  readonly message: HttpMessage
  readonly status: number
  readonly statusText: string
  readonly headers: http.IncomingHttpHeaders
  /** Has to be read to its end or destroyed. What it fails with is what `exchange` throws. */
  readonly body: Readable
}

/**
 * Sends a request and gives the answer to it, whatever its status, before the body is read.
 *
 * @throws JobError of kind `network` if there is no answer, or no end of its body.
 * @throws UnrecoverableError of kind `forbidden_target`, `bad_redirect` or `too_many_redirects`.
 */
export async function exchange(first: HttpMessage, options: ExchangeOptions): Promise<Answer> {
  const { followRedirects = true } = options
  let message = first
  for (let redirects = 0; ; redirects++) {
    const answer = await send(message, options)
    const { location } = answer.headers
    if (!followRedirects || !isRedirect(answer.status) || location === undefined) return answer
    answer.body.destroy()
    if (redirects === REDIRECTS_MAX) throw tooManyRedirects(first)
    message = redirect(message, answer.status, location)
  }
}

function send(message: HttpMessage, { gate, signal }: ExchangeOptions): Promise<Answer> {
  const { method, url, headers, body } = message
  const lookup = gate(url)
  const { request } = url.protocol === 'https:' ? https : http
  return new Promise((resolve, reject) => {
    // No agent: a connection from a pool may lead to an address that this gate has not seen.
    request(url, { method, headers: Object.fromEntries(headers), lookup, signal, agent: false })
      .on('response', (response) => resolve(answerOf(message, response, signal)))
      .on('error', (error) => reject(explain(error, message, signal)))
      .end(body)
  })
}

function answerOf(message: HttpMessage, response: http.IncomingMessage, signal: AbortSignal): Answer {
  const body = new PassThrough()
  response.on('error', (error) => body.destroy(explain(error, message, signal))).pipe(body)
  // Whoever leaves the body closes the connection. Until somebody reads it, an error waits in it.
  body.on('close', () => response.destroy()).on('error', () => {})
  return {
    message,
    status: response.statusCode ?? 0,
    statusText: response.statusMessage ?? '',
    headers: response.headers,
    body,
  }
}

/** Says of an error on the wire which request it belongs to, and that another attempt may help. */
function explain(error: Error, message: HttpMessage, signal: AbortSignal): Error {
  if (signal.aborted) return signal.reason
  if (error instanceof JobError) return error
  return new JobError(`${describeMessage(message)} failed: ${reasonOf(error)}`, { kind: 'network', cause: error })
}

// What tried several addresses in vain has a code, and no message.
const reasonOf = (error: NodeJS.ErrnoException): string => error.message || (error.code ?? error.name)

const tooManyRedirects = (first: HttpMessage) =>
  new UnrecoverableError(`${describeMessage(first)}: expected at most ${REDIRECTS_MAX} redirects, got more`, {
    kind: 'too_many_redirects',
  })
