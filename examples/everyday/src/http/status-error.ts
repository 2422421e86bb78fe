import { JobError } from '@foliot/jobs'
import type { Answer } from './exchange.ts'
import { describeMessage } from './message.ts'
import { parseRetryAfter } from './retry-after.ts'

/**
 * The error that an answer asks for: the server says "not now" (429, 503) or fails (the other 5xx), so another attempt
 * may help. Undefined for every other status.
 */
export function statusError({ message, status, statusText, headers }: Answer): JobError | undefined {
  const notNow = status === 429 || status === 503
  if (!notNow && !(status >= 500)) return undefined
  const retryAfterMs = notNow ? parseRetryAfter(headers['retry-after'], Date.now()) : undefined
  return new JobError(`${describeMessage(message)} answered ${status} ${statusText}`.trimEnd(), {
    kind: notNow ? `http_${status}` : 'http_5xx',
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  })
}
