import type { Claim } from '@foliot/queue'
import type { HandlerAttempt } from '../context.ts'
import type { CallSender } from './call-sender.ts'
import { LogSender } from './log-sender.ts'
import type { SentStop } from './messages.ts'

/** An attempt as its handler's process sees it: what it does is done by the worker, which holds the job. */
export class IsolatedAttempt implements HandlerAttempt {
  readonly claim: Claim
  readonly #calls: CallSender
  readonly #log: LogSender
  readonly #controller = new AbortController()
  #ended = false

  constructor(claim: Claim, calls: CallSender) {
    this.claim = claim
    this.#calls = calls
    this.#log = new LogSender((lines) => calls.ask('log', lines))
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  abort({ name, message, more }: SentStop): void {
    this.#controller.abort(Object.assign(new DOMException(message, name), more))
  }

  log(line: string): void {
    if (!this.#ended) this.#log.add(line)
  }

  async progress(json: string): Promise<void> {
    if (!this.#ended) await this.#calls.queue('progress', json)
  }

  async keepStep(name: string, json: string): Promise<void> {
    if (this.#ended) throw new DOMException('the attempt has ended; the result of the step is not kept', 'AbortError')
    await this.#calls.queue('keepStep', name, json)
  }

  /** Resolves when all that the handler did has reached the worker. What it does from here on goes nowhere. */
  async end(): Promise<void> {
    this.#ended = true
    await this.#calls.flush()
    await this.#log.flush()
  }
}
