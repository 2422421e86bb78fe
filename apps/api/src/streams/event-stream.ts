import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'

/** One server-sent event. */
export interface ServerEvent {
  /** What a reader that comes again sends as `Last-Event-ID`. */
  id?: string
  /** Default: the reader's own, `message`. */
  event?: string
  /** Without it there is no event: the reader keeps the id. */
  data?: string
}

export interface EventStreamOptions {
  /** How often a stream with no news shows that it lives. */
  heartbeatMs: number
  /** How long a reader may take nothing of what waits for it. */
  patienceMs: number
}

/** In how many milliseconds a reader whose stream broke asks again. */
const RETRY_MS = 1000

/** The answer to one request, as server-sent events. What waits for a slow reader is what was sent last, no more. */
export class EventStream {
  readonly #raw: ServerResponse
  readonly #patienceMs: number
  readonly #gone = new AbortController()
  readonly #heartbeat: NodeJS.Timeout

  constructor(reply: FastifyReply, { heartbeatMs, patienceMs }: EventStreamOptions) {
    reply.hijack()
    this.#raw = reply.raw
    this.#patienceMs = patienceMs
    // A reader that goes away in the middle of a write.
    this.#raw.on('error', () => undefined)
    this.#raw.once('close', () => this.#leave())
    for (const [name, value] of Object.entries(reply.getHeaders())) this.#raw.setHeader(name, value ?? '')
    this.#raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // Or nginx gathers what was written for a while.
      'x-accel-buffering': 'no',
    })
    this.#raw.write(`retry: ${RETRY_MS}\n\n`)
    this.#heartbeat = setInterval(() => {
      if (!this.#raw.writableNeedDrain) this.#raw.write(': \n\n')
    }, heartbeatMs)
    if (this.#raw.destroyed) this.#leave()
  }

  /** Aborted when nothing more can be sent: the reader has gone, or the stream has ended. */
  get gone(): AbortSignal {
    return this.#gone.signal
  }

  /**
   * Sends events in one write. Resolves when there is room for more, or nothing more can be sent. A reader that takes nothing
   * for too long is cut off.
   */
  async send(events: readonly ServerEvent[]): Promise<void> {
    if (events.length === 0 || this.#gone.signal.aborted || this.#raw.write(events.map(toText).join(''))) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const room = (): void => resolve()
    const slow = setTimeout(() => this.#raw.destroy(), this.#patienceMs)
    this.#raw.once('drain', room)
    this.#gone.signal.addEventListener('abort', room, { once: true })
    await promise
    clearTimeout(slow)
    this.#raw.off('drain', room)
    this.#gone.signal.removeEventListener('abort', room)
  }

  /** Ends the answer. Safe twice. */
  end(): void {
    if (this.#gone.signal.aborted) return
    this.#leave()
    this.#raw.end()
  }

  /** As `end`, with a problem as its last event; a reader that is behind is not waited for. */
  fail(problem: object): void {
    this.#cut(toText({ event: 'error', data: JSON.stringify(problem) }))
  }

  /** As `end`, with the reason as a comment; a reader that is behind is not waited for. */
  stop(reason: string): void {
    this.#cut(`: ${reason}\n\n`)
  }

  #cut(last: string): void {
    if (this.#gone.signal.aborted) return
    this.#leave()
    if (this.#raw.writableNeedDrain) this.#raw.destroy()
    else this.#raw.end(last)
  }

  #leave(): void {
    clearInterval(this.#heartbeat)
    this.#gone.abort()
  }
}

/** An event that names no `id` leaves the reader's last one as it is. */
function toText({ id, event, data }: ServerEvent): string {
  const head = (id === undefined ? '' : `id: ${id}\n`) + (event === undefined ? '' : `event: ${event}\n`)
  if (data === undefined) return `${head}\n`
  // A line break of any kind would end the field.
  return `${head}data: ${data.replaceAll(/\r\n|\r|\n/g, '\ndata: ')}\n\n`
}
