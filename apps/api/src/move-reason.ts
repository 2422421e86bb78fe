import type { MoveReason } from '@foliot/queue'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { headerText } from './header-text.ts'
import { invalid } from './problem.ts'

/** In characters. A reason stands in the audit, and in the timeline of each job that is moved. */
const REASON_MAX = 500

/** For routes on which something is changed by hand. */
export const reasonHeader = z.looseObject({
  'x-reason': z
    .string()
    .optional()
    .describe(
      `Why, for the audit and for the timeline of each job that is moved: at most ${REASON_MAX} characters of UTF-8, ` +
        'as they are or percent-encoded.',
    ),
})

/**
 * Who asks for a change, and why if they say so.
 *
 * @throws as `readReason`
 */
export function reasonOf(request: FastifyRequest): MoveReason {
  const reason = readReason(request)
  return { by: request.caller.name, ...(reason !== undefined && { reason }) }
}

/**
 * The reason that a request gives; undefined if there is none.
 *
 * @throws FoliotError `validation_failed` for one that is too long or has control characters.
 */
export function readReason({ raw }: FastifyRequest): string | undefined {
  const sent = headerText(raw, 'x-reason')
  if (sent === undefined || sent === '') return undefined
  const reason = decoded(sent)
  const length = [...reason].length
  if (length > REASON_MAX) throw wrong(`expected at most ${REASON_MAX} characters, got ${length}`)
  if (/\p{Cc}/u.test(reason)) throw wrong('expected no control characters, such as line breaks')
  return reason
}

/** Headers are for ASCII, so that many clients percent-encode. What is not encoded as a whole is taken as it is: "100% sure". */
function decoded(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const wrong = (message: string) => invalid('the headers are not as expected', [{ path: '/x-reason', message }])
