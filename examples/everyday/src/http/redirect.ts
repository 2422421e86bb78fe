import { UnrecoverableError } from '@foliot/jobs'
import { URL_MAX_LENGTH } from '../jobs.ts'
import { describeMessage, type HttpMessage } from './message.ts'

const REDIRECTS = [301, 302, 303, 307, 308]

const BODY_HEADERS = ['content-encoding', 'content-language', 'content-length', 'content-location', 'content-type']
const CREDENTIALS = ['authorization', 'cookie', 'proxy-authorization']

export const isRedirect = (status: number): boolean => REDIRECTS.includes(status)

/**
 * The request that a redirect asks for, by the rules of the fetch standard: 303 becomes a GET, and so does a POST that
 * gets 301 or 302; another origin does not get the credentials.
 *
 * @throws UnrecoverableError of kind `bad_redirect` if it leads to no URL, or to one that is too long.
 */
export function redirect(message: HttpMessage, status: number, location: string): HttpMessage {
  const url = parseLocation(message, location)
  const headers = new Headers(message.headers)
  if (url.origin !== message.url.origin) for (const name of CREDENTIALS) headers.delete(name)
  if (!becomesGet(message.method, status)) return { ...message, url, headers }
  for (const name of BODY_HEADERS) headers.delete(name)
  return { method: 'GET', url, headers, body: undefined }
}

function becomesGet(method: string, status: number): boolean {
  if (status === 303) return method !== 'GET' && method !== 'HEAD'
  return method === 'POST' && (status === 301 || status === 302)
}

function parseLocation(message: HttpMessage, location: string): URL {
  // Node reads headers as latin1; what servers put there beyond ASCII is UTF-8.
  const url = URL.parse(Buffer.from(location, 'latin1').toString(), message.url.href)
  if (url && url.href.length <= URL_MAX_LENGTH) return url
  throw new UnrecoverableError(
    `${describeMessage(message)}: expected a redirect to a URL of at most ${URL_MAX_LENGTH} characters, ` +
      `got ${JSON.stringify(location.slice(0, 200))}`,
    { kind: 'bad_redirect' },
  )
}
