import type { Job, Problem } from '@foliot/jobs'
import { FoliotApiError } from './errors.ts'
import type { EnqueueResult } from './job-request.ts'
import { parseRetryAfter } from './retry-delay.ts'
import type { Backfill, Page, SchedulePreview, ScheduleTick } from './schedule-types.ts'

/** What the api said to a request that it accepted. */
export interface Answer {
  /** The request it answers, for messages: `POST http://localhost:3000/v1/jobs`. */
  readonly to: string
  readonly status: number
  readonly body: unknown
  readonly retryAfterMs: number | undefined
}

/** @throws FoliotApiError for any answer but a 2xx with JSON, or a 204, which has none. */
export function readAnswer(to: string, response: Response, text: string): Answer {
  const { status, headers } = response
  // Against the server's clock, where it tells the time, because ours may be wrong.
  const nowMs = Date.parse(headers.get('date') ?? '') || Date.now()
  const retryAfterMs = parseRetryAfter(headers.get('retry-after'), nowMs)
  if (response.type === 'opaqueredirect' || (status >= 300 && status < 400)) {
    const target = headers.get('location') ?? 'another address'
    throw new FoliotApiError(`${to} was redirected to ${target}; set \`url\` to where the api is`, { status })
  }
  const body = parseJson(text)
  if (response.ok && (body !== undefined || status === 204)) return { to, status, body, retryAfterMs }
  if (!response.ok && isProblem(body)) {
    throw new FoliotApiError(describe(body), { status, problem: body, retryAfterMs })
  }
  throw unreadable({ to, status, body: body ?? text, retryAfterMs })
}

/** @throws FoliotApiError if the body is no job. */
export const readJob = (answer: Answer): Job => readBody(answer, isJob)

/** @throws FoliotApiError if it is not the answer to a deletion. */
export function readNothing(answer: Answer): void {
  if (answer.status !== 204) throw unreadable(answer)
}

/** @throws FoliotApiError if the body is something else. */
export function readBody<T>(answer: Answer, isOne: (body: unknown) => body is T): T {
  if (isOne(answer.body)) return answer.body
  throw unreadable(answer)
}

/** @throws FoliotApiError if the body does not hold one result for each of `count` jobs. */
export function readResults(answer: Answer, count: number): EnqueueResult[] {
  const results = isObject(answer.body) ? answer.body.results : undefined
  if (Array.isArray(results) && results.length === count && results.every(isResult)) return results
  throw unreadable(answer)
}

function describe({ code, status, detail, hint, errors = [] }: Problem): string {
  const fields = errors.map(({ path, message }) => (path ? `${path}: ${message}` : message))
  return [`${code} (${status}): ${detail}`, ...fields, ...(hint ? [hint] : [])].join('; ')
}

function unreadable({ to, status, body, retryAfterMs }: Answer): FoliotApiError {
  const shown = (typeof body === 'string' ? body : (JSON.stringify(body) ?? '')).slice(0, 200)
  return new FoliotApiError(
    `${to} answered ${status} with something other than Foliot's JSON; is \`url\` the address of an api? It began: ${shown}`,
    { status, retryAfterMs },
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The caller tells of it, with the text.
    return undefined
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

export const isJob = (value: unknown): value is Job =>
  isObject(value) && typeof value.id === 'string' && typeof value.status === 'string'

const isProblem = (value: unknown): value is Problem =>
  isObject(value) && typeof value.code === 'string' && typeof value.status === 'number'

const isResult = (value: unknown): value is EnqueueResult =>
  isObject(value) && typeof value.status === 'number' && (isJob(value.job) || isProblem(value.error))

/** Whether it is a schedule or a calendar. */
export const isRevised = (value: unknown): value is { revision: number } =>
  isObject(value) && typeof value.revision === 'number'

export const isPage =
  <Item>(isItem: (value: unknown) => value is Item) =>
  (value: unknown): value is Page<Item> =>
    isObject(value) && Array.isArray(value.items) && value.items.every(isItem)

export const isTick = (value: unknown): value is ScheduleTick =>
  isObject(value) && typeof value.scheduledFor === 'string' && typeof value.outcome === 'string'

export const isPreview = (value: unknown): value is SchedulePreview =>
  isObject(value) && typeof value.description === 'string' && Array.isArray(value.items)

export const isBackfill = (value: unknown): value is Backfill => isObject(value) && value.kind === 'backfill'
