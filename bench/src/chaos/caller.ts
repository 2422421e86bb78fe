import { Slots } from './slots.ts'

/** What an api answered, or why it did not: status 0. */
export interface Answer {
  status: number
  body: unknown
}

export interface Call {
  /** Ends the call at once. */
  signal: AbortSignal
  method?: 'GET' | 'POST' | 'PUT'
  body?: object
  /** Without an answer by then it counts as none. Default 3000. */
  timeoutMs?: number
}

export interface CallerOptions {
  /** The apis, asked in turn. */
  urls: readonly string[]
  key: string
}

const TIMEOUT_MS = 3000

/** Each open call holds a connection. More of them than this would run a process out of file descriptors. */
const OPEN_AT_ONCE = 512

/** Calls the apis as a service would that knows several of them. */
export class Caller {
  readonly #options: CallerOptions
  readonly #open = new Slots(OPEN_AT_ONCE)
  #calls = 0

  constructor(options: CallerOptions) {
    this.#options = options
  }

  /** One try, once there are few enough others. @throws the signal's reason. */
  call(path: string, call: Call): Promise<Answer> {
    return this.#open.run(() => this.#try(path, call))
  }

  async #try(path: string, { signal, method = 'GET', body, timeoutMs = TIMEOUT_MS }: Call): Promise<Answer> {
    signal.throwIfAborted()
    const { urls, key } = this.#options
    const url = urls[this.#calls++ % urls.length] as string
    try {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      })
      return { status: response.status, body: await response.json() }
    } catch (error) {
      signal.throwIfAborted()
      return { status: 0, body: error }
    }
  }
}
