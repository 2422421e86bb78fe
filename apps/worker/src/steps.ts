import { ERROR_KINDS, LIMITS, UnrecoverableError } from '@foliot/jobs'
import type { RunningAttempt } from '@foliot/queue'
import { stringifyJson } from './output.ts'

/** Runs the steps of one attempt: what an earlier attempt, or this one, has done already is not done again. */
export class Steps {
  readonly #attempt: Pick<RunningAttempt, 'claim' | 'keepStep'>
  readonly #done = new Map<string, Promise<unknown>>()

  constructor(attempt: Pick<RunningAttempt, 'claim' | 'keepStep'>) {
    this.#attempt = attempt
  }

  run<T>(name: string, fn: () => T | Promise<T>): Promise<T> {
    let step = this.#done.get(name)
    if (!step) {
      step = this.#run(name, fn)
      this.#done.set(name, step)
      // A step that failed may be tried again within the attempt.
      step.catch(() => this.#done.delete(name))
    }
    return step as Promise<T>
  }

  async #run<T>(name: string, fn: () => T | Promise<T>): Promise<T> {
    const { steps } = this.#attempt.claim
    const kept = steps.get(name)
    if (kept !== undefined) return JSON.parse(kept) as T
    assertStepName(name)
    if (new Set([...steps.keys(), ...this.#done.keys()]).size >= LIMITS.steps) {
      throw misuse(`expected at most ${LIMITS.steps} steps in a job, got one more: "${name}"`)
    }
    const json = stringifyJson(await fn())
    const bytes = Buffer.byteLength(json)
    if (bytes > LIMITS.stepBytes) {
      throw misuse(
        `expected the result of step "${name}" to be at most ${LIMITS.stepBytes} bytes of JSON, got ${bytes}`,
      )
    }
    await this.#attempt.keepStep(name, json)
    // What later attempts get is what JSON can say; this one gets no more.
    return JSON.parse(json) as T
  }
}

function assertStepName(name: string): void {
  if (typeof name === 'string' && name.length > 0 && name.length <= LIMITS.stepNameLength) return
  throw misuse(
    `expected a step to have a name of 1 to ${LIMITS.stepNameLength} characters, got ${JSON.stringify(name)}`,
  )
}

const misuse = (message: string): UnrecoverableError =>
  new UnrecoverableError(message, { kind: ERROR_KINDS.invalid_output })
