import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'

export interface WaitUntilOptions {
  /** Default 10 000. */
  timeoutMs?: number
  /** Between two checks. Default 20. */
  everyMs?: number
  /** What is waited for, for the message. Default: the source of `check`. */
  what?: string
}

/**
 * Asks again and again until the answer is truthy, and returns it. The last resort, for what sends no signal: an event,
 * a log line (`waitForLine`) or the API's own `/wait` is faster and says more.
 *
 * @throws Error with the last answer, or with the last error of `check` as its cause.
 */
export async function waitUntil<T>(
  check: () => T | Promise<T>,
  options: WaitUntilOptions = {},
): Promise<NonNullable<T>> {
  const { timeoutMs = 10_000, everyMs = 20, what = String(check) } = options
  const giveUpAt = Date.now() + timeoutMs
  let last: Answer<T> = {}
  for (let left = timeoutMs; left > 0; left = giveUpAt - Date.now()) {
    last = await Promise.race([answerOf(check), sleep(left, { error: 'no answer in time' })])
    if (last.value) return last.value
    await sleep(everyMs)
  }
  const came = last.error === undefined ? inspect(last.value) : `the error ${inspect(last.error)}`
  throw new Error(`expected within ${timeoutMs} ms: ${what}. Came at last: ${came}`, { cause: last.error })
}

interface Answer<T> {
  value?: T
  error?: unknown
}

async function answerOf<T>(check: () => T | Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await check() }
  } catch (error) {
    return { error }
  }
}
