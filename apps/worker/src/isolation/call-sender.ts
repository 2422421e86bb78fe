import type { Answer, Call, CallArgs, CallName, CallValue } from './calls.ts'
import { toError } from './sent-error.ts'

/** Asks things of the worker, and matches its answers. */
export class CallSender {
  readonly #send: (call: Call) => void
  readonly #open = new Map<number, PromiseWithResolvers<unknown>>()
  #lastId = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor(send: (call: Call) => void) {
    this.#send = send
  }

  /** Sends at once, whatever else is under way. */
  ask<Name extends CallName>(name: Name, ...args: CallArgs<Name>): Promise<CallValue<Name>> {
    const id = ++this.#lastId
    const answer = Promise.withResolvers<unknown>()
    this.#open.set(id, answer)
    this.#send({ kind: 'call', id, name, args })
    return answer.promise as Promise<CallValue<Name>>
  }

  /** Asks when all that was queued before is answered: however many a handler makes, the worker has one at a time. */
  queue<Name extends CallName>(name: Name, ...args: CallArgs<Name>): Promise<CallValue<Name>> {
    const answer = this.#last.then(() => this.ask(name, ...args))
    this.#last = answer.catch(() => undefined)
    return answer
  }

  /** Resolves when all that was queued so far is answered. */
  async flush(): Promise<void> {
    await this.#last
  }

  settle(answer: Answer): void {
    const call = this.#open.get(answer.id)
    this.#open.delete(answer.id)
    if ('error' in answer) call?.reject(toError(answer.error))
    else call?.resolve(answer.value)
  }
}
