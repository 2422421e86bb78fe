import { type Answer, readAnswer, readNothing } from './answer.ts'
import type { ResolvedOptions } from './client-options.ts'
import { pause, withDeadline } from './deadline.ts'
import { FoliotApiError, FoliotConnectionError } from './errors.ts'
import { PATIENCE_MS, retryDelay } from './retry-delay.ts'

/** One call of the api. */
export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** From `/v1` on. */
  path: string
  /** JSON. */
  body?: string
  /** Beside those of every request. */
  headers?: Readonly<Record<string, string>>
  /** How long one try may take. Default: the client's `timeoutMs`. */
  timeoutMs?: number
  /** Whether to send it again when its answer got lost, though the api may have done the work. */
  repeatable: boolean
  signal: AbortSignal | undefined
}

/** The retries that one call of the client has left. */
export interface RetryBudget {
  readonly used: number
  /** Waits until the next try. @returns false, at once, if there is none or if the server asks for too much patience. */
  next(retryAfterMs: number | undefined, signal: AbortSignal | undefined): Promise<boolean>
}

export function retryBudget(maxRetries: number): RetryBudget {
  let used = 0
  return {
    get used() {
      return used
    },
    async next(retryAfterMs, signal) {
      if (used >= maxRetries || (retryAfterMs ?? 0) > PATIENCE_MS) return false
      used++
      await pause(retryDelay(used, retryAfterMs, Math.random), signal)
      return true
    },
  }
}

/**
 * Sends a request, and again as long as there is hope: after 429 and 503, and if it is repeatable also after a lost
 * connection and the 502 and 504 of a gateway. After 503 not what depends on a revision, unless it is repeatable.
 *
 * @throws FoliotApiError, FoliotConnectionError, or the signal's reason.
 */
export async function send(
  options: ResolvedOptions,
  request: ApiRequest,
  budget: RetryBudget = retryBudget(options.maxRetries),
  onRepeat?: (error: unknown) => void,
): Promise<Answer> {
  for (;;) {
    try {
      return await sendOnce(options, request)
    } catch (error) {
      if (!isTransient(error, request)) throw error
      const retryAfterMs = error instanceof FoliotApiError ? error.retryAfterMs : undefined
      if (!(await budget.next(retryAfterMs, request.signal))) throw error
      onRepeat?.(error)
    }
  }
}

/**
 * Has something deleted, by a DELETE that answers 204. What is not there any more at a second try is taken to be what the first
 * one has deleted.
 *
 * @throws as `send`
 */
export async function sendDelete(
  options: ResolvedOptions,
  request: Pick<ApiRequest, 'path' | 'headers' | 'signal'>,
): Promise<void> {
  let isMaybeDone = false
  const onRepeat = (error: unknown): void => {
    // What was refused for a limit was not begun.
    isMaybeDone ||= !(error instanceof FoliotApiError && error.status === 429)
  }
  try {
    readNothing(await send(options, { ...request, method: 'DELETE', repeatable: true }, undefined, onRepeat))
  } catch (error) {
    const isGone = isMaybeDone && error instanceof FoliotApiError && error.code === 'not_found'
    if (!isGone) throw error
  }
}

function isTransient(error: unknown, { repeatable, headers }: ApiRequest): boolean {
  if (error instanceof FoliotConnectionError) return repeatable
  if (!(error instanceof FoliotApiError)) return false
  // A change may have been made all the same: a repeat would meet its own revision.
  if (error.status === 503) return repeatable || headers?.['if-match'] === undefined
  return error.status === 429 || (repeatable && [502, 504].includes(error.status))
}

function sendOnce(options: ResolvedOptions, request: ApiRequest): Promise<Answer> {
  const { fetch, url, headers } = options
  const { method, path, body, headers: own, signal: parent, timeoutMs: ms = options.timeoutMs } = request
  const to = `${method} ${url}${path}`
  const reason = () => new FoliotConnectionError(`${to}: no answer within ${ms} ms`)
  return withDeadline({ ms, reason, parent }, async (signal) => {
    const { response, text } = await exchange()
    return readAnswer(to, response, text)

    async function exchange() {
      try {
        const response = await fetch(`${url}${path}`, {
          method,
          headers: { ...headers, ...own, ...(body !== undefined && { 'content-type': 'application/json' }) },
          // A followed redirect would turn a POST into a GET.
          redirect: 'manual',
          signal,
          ...(body !== undefined && { body }),
        })
        return { response, text: await response.text() }
      } catch (cause) {
        throw new FoliotConnectionError(`${to}: ${reasonOf(cause)}`, { cause })
      }
    }
  })
}

const TOLD_CAUSES = 3
const CAUSE_LENGTH = 300

/**
 * fetch says "fetch failed" and keeps the reason in its cause, which for a host with two addresses has only a code. Some
 * say it a cause deeper.
 */
function reasonOf(error: unknown): string {
  const told: string[] = []
  for (
    let at = error;
    at !== undefined && told.length <= TOLD_CAUSES;
    at = at instanceof Error ? at.cause : undefined
  ) {
    const text = textOf(at).slice(0, CAUSE_LENGTH)
    if (!told.some((before) => before.includes(text))) told.push(text)
    else break
  }
  return told.join(': ')
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message || ('code' in error ? String(error.code) : error.name)
}
