/** What `createClient` takes. */
export interface ClientOptions {
  /** Where the api is, for example `https://jobs.example.com` or, behind a proxy, `https://example.com/foliot`. */
  url: string
  /** The API key. Leave it out for an api that is open on loopback. */
  key?: string | undefined
  /** Sends a request. Default: the platform's own `fetch`. */
  fetch?: typeof globalThis.fetch | undefined
  /** How often a call is repeated after a 429, a 503 or a lost connection. 0 to 100, default 5. */
  maxRetries?: number | undefined
  /** How long one request may take, in milliseconds. Default 10 000. */
  timeoutMs?: number | undefined
}

/** The options after their defaults and checks. */
export interface ResolvedOptions {
  /** Without a slash at its end. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly fetch: typeof globalThis.fetch
  readonly maxRetries: number
  readonly timeoutMs: number
}

/** The longest that a timer can wait. A longer one would fire at once. */
const TIMER_MAX_MS = 2_147_483_647

const DEFAULTS = { maxRetries: 5, timeoutMs: 10_000 }

const KNOWN = ['url', 'key', 'fetch', 'maxRetries', 'timeoutMs']

/** @throws TypeError naming the option, what was expected and what came; never with the key in it. */
export function resolveClientOptions(options: ClientOptions): ResolvedOptions {
  for (const name of Object.keys(options)) {
    if (!KNOWN.includes(name)) throw new TypeError(`unknown option \`${name}\`; known are ${KNOWN.join(', ')}`)
  }
  const { url, key, fetch, maxRetries = DEFAULTS.maxRetries, timeoutMs = DEFAULTS.timeoutMs } = options
  if (!Number.isInteger(maxRetries) || maxRetries < 0 || maxRetries > 100) {
    throw new TypeError(`expected \`maxRetries\` to be an integer from 0 to 100, got ${maxRetries}`)
  }
  assertTimeoutMs(timeoutMs)
  return {
    url: resolveUrl(url),
    headers: resolveHeaders(key),
    // Looked up at each call, so that an instrumentation that replaces the global one is seen.
    fetch: fetch ?? ((...request) => globalThis.fetch(...request)),
    maxRetries,
    timeoutMs,
  }
}

/** @throws TypeError unless it is a number of milliseconds that a timer can wait. */
export function assertTimeoutMs(timeoutMs: number): void {
  if (timeoutMs > 0 && timeoutMs <= TIMER_MAX_MS) return
  throw new TypeError(`expected \`timeoutMs\` to be a number from 1 to ${TIMER_MAX_MS}, got ${timeoutMs}`)
}

function resolveUrl(text: string): string {
  const url = parseUrl(text)
  if (url.username || url.password) throw new TypeError('expected `url` without a user name or password; use `key`')
  if (!/^https?:$/.test(url.protocol) || url.search || url.hash) {
    throw new TypeError(`expected \`url\` to be http(s) without a query or fragment, got ${JSON.stringify(text)}`)
  }
  return url.href.replace(/\/+$/, '')
}

function parseUrl(text: string): URL {
  try {
    return new URL(text)
  } catch (cause) {
    throw new TypeError(`expected \`url\` like "http://localhost:3000", got ${JSON.stringify(text)}`, { cause })
  }
}

function resolveHeaders(key: string | undefined): Record<string, string> {
  const headers = { accept: 'application/json, application/problem+json' }
  if (key === undefined) return headers
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new TypeError(
      'expected `key` to be printable ASCII without spaces; for an api without keys leave it out (its value is not shown here)',
    )
  }
  return { ...headers, authorization: `Bearer ${key}` }
}
