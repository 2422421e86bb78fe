import { type Handler, JobError } from '@foliot/jobs'
import type { httpRequest } from '../jobs.ts'
import { previewBody } from './body-preview.ts'
import { type Answer, exchange } from './exchange.ts'
import type { Gate } from './gate.ts'
import { describeMessage, makeMessage } from './message.ts'
import { statusError } from './status-error.ts'

/**
 * Sends the request of its input. Every answer is an output, also a 404, but for those that ask for another attempt:
 * 429, 503 and the other 5xx are thrown.
 */
export function makeHttpRequest(gate: Gate): Handler<typeof httpRequest> {
  return async (input, ctx) => {
    const startedAt = performance.now()
    const message = makeMessage(input)
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(tooLate(describeMessage(message), input.timeoutMs)), input.timeoutMs)
    const signal = AbortSignal.any([ctx.signal, late.signal])
    try {
      const answer = await exchange(message, { gate, signal, followRedirects: input.followRedirects })
      const error = statusError(answer)
      if (error) {
        answer.body.destroy()
        throw error
      }
      ctx.log.info(`${describeMessage(answer.message)} answered ${answer.status}`)
      return {
        status: answer.status,
        headers: joinHeaders(answer.headers),
        ...(await previewBody(answer.body, answer.headers['content-type'])),
        durationMs: Math.round(performance.now() - startedAt),
        url: answer.message.url.href,
      }
    } finally {
      clearTimeout(timer)
    }
  }
}

const tooLate = (request: string, timeoutMs: number) =>
  new JobError(`${request}: expected the whole answer within ${timeoutMs} ms, got no end of it`, { kind: 'network' })

function joinHeaders(headers: Answer['headers']): Record<string, string> {
  const named = Object.entries(headers).map(([name, value = '']) => [name, [value].flat().join(', ')])
  return Object.fromEntries(named)
}
