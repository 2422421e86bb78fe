/** One request, ready to be sent. A redirect makes another of it. */
export interface HttpMessage {
  readonly method: string
  readonly url: URL
  readonly headers: Headers
  readonly body: Buffer | undefined
}

/** Method and URL for logs and errors. The query is left out: it may hold a secret. */
export const describeMessage = ({ method, url }: HttpMessage): string => `${method} ${url.origin}${url.pathname}`

const DEFAULT_HEADERS = {
  accept: '*/*',
  // A compressed body would be of no use as a preview, and is no CSV.
  'accept-encoding': 'identity',
  'user-agent': 'foliot',
}

export interface MessageOptions {
  url: string
  /** Default GET. */
  method?: string
  headers?: Readonly<Record<string, string>>
  /** Text is sent as it is, any other value but undefined as JSON. */
  body?: unknown
}

/** Fills in the headers that were not given: user agent, encoding, and the type and length of the body. */
export function makeMessage({ url, method = 'GET', headers: given = {}, body }: MessageOptions): HttpMessage {
  const headers = new Headers(DEFAULT_HEADERS)
  for (const [name, value] of Object.entries(given)) headers.set(name, value)
  if (body === undefined) return { method, url: new URL(url), headers, body }
  const isText = typeof body === 'string'
  const bytes = Buffer.from(isText ? body : JSON.stringify(body))
  if (!headers.has('content-type'))
    headers.set('content-type', isText ? 'text/plain;charset=UTF-8' : 'application/json')
  // Said by us for every method: Node leaves it out for some (GET, DELETE), and the body would be taken for a request.
  headers.set('content-length', String(bytes.length))
  return { method, url: new URL(url), headers, body: bytes }
}
