import type { KeyRing } from '@foliot/access'
import { FoliotError } from '@foliot/jobs'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { keyEnded } from '../access/key-ended.ts'
import { toFoliotError, toProblem } from '../problem.ts'
import { EventStream, type EventStreamOptions } from './event-stream.ts'

export interface StreamsOptions extends EventStreamOptions {
  /** How many may be open in this process at a time. */
  most: number
}

const DEFAULTS = {
  // Proxies cut off what was silent for a minute, some for half of it.
  heartbeatMs: 15_000,
  patienceMs: 30_000,
  // Each looks at Redis a few times a second.
  most: 200,
} satisfies StreamsOptions

const RETRY_AFTER_S = 5

/** The streams that are open in this process. */
export class Streams {
  readonly #access: KeyRing
  readonly #options: StreamsOptions
  readonly #open = new Set<Pick<EventStream, 'stop'>>()
  #stopped = false

  constructor(access: KeyRing, options: Partial<StreamsOptions> = {}) {
    this.#access = access
    this.#options = { ...DEFAULTS, ...options }
  }

  /**
   * Answers a request with what `source` sends, until it resolves, the reader has gone, or its key counts no more. What goes
   * wrong on the way is told by an event `error`, which holds a problem.
   *
   * @throws FoliotError `unavailable` if too many are open, or the process stops; before anything is answered
   */
  async serve(
    request: FastifyRequest,
    reply: FastifyReply,
    source: (stream: EventStream) => Promise<void>,
  ): Promise<void> {
    this.#assertRoom()
    const stream = new EventStream(reply, this.#options)
    this.#open.add(stream)
    const { ended, release } = this.#access.hold(request.caller)
    const expel = (): void => stream.fail(toProblem(keyEnded()))
    ended.addEventListener('abort', expel, { once: true })
    // It may have ended while the request was on its way here.
    if (ended.aborted) expel()
    try {
      await source(stream)
    } catch (err) {
      const problem = toFoliotError(err)
      if (problem.code === 'internal') request.log.error({ err }, 'a stream failed for a reason that nobody foresaw')
      await stream.send([{ event: 'error', data: JSON.stringify(toProblem(problem)) }])
    } finally {
      ended.removeEventListener('abort', expel)
      release()
      this.#open.delete(stream)
      stream.end()
    }
  }

  /**
   * Counts an answer that is sent by other means as a stream, until it is over. The signal aborts, with a FoliotError as its
   * reason, when the key of the request counts no more, its reader takes nothing for too long, or the process stops: then it
   * has to be cut off.
   *
   * @throws as `serve`
   */
  watch(request: FastifyRequest, { raw }: FastifyReply): AbortSignal {
    this.#assertRoom()
    const cut = new AbortController()
    const stream = { stop: (reason: string) => cut.abort(new FoliotError('unavailable', reason)) }
    this.#open.add(stream)
    const { ended, release } = this.#access.hold(request.caller)
    const expel = (): void => cut.abort(keyEnded())
    ended.addEventListener('abort', expel, { once: true })
    if (ended.aborted) expel()
    const leave = (): void => {
      ended.removeEventListener('abort', expel)
      release()
      this.#open.delete(stream)
    }
    // From the first part on: how long that takes to be found is not the reader's doing.
    raw.once('pipe', () => raw.setTimeout(this.#options.patienceMs, () => stream.stop('this reader is too slow')))
    raw.once('close', leave)
    if (raw.destroyed) leave()
    return cut.signal
  }

  /** Ends every stream; none is opened from here on. Safe twice. */
  stop(): void {
    this.#stopped = true
    for (const stream of this.#open) stream.stop('this api is stopping')
  }

  #assertRoom(): void {
    const { most } = this.#options
    if (!this.#stopped && this.#open.size < most) return
    const reason = this.#stopped
      ? 'this api is stopping'
      : `expected at most ${most} open streams, and there are as many`
    throw new FoliotError('unavailable', reason, {
      retryAfterSeconds: RETRY_AFTER_S,
      hint: this.#stopped ? 'ask another api' : 'close streams that are not read, or start one more api',
    })
  }
}
