import type { MoveReason } from '@foliot/queue'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { headerText } from './header-text.ts'
import { invalid } from './problem.ts'

/** In UTF-16 units. A reason stands in the timeline of each job that is moved. */
const REASON_MAX = 256

/** For routes that move jobs by hand. */
export const reasonHeader = z.looseObject({
  'x-reason': z
    .string()
    .optional()
    .describe(`Why, for the timeline of each job that is moved: at most ${REASON_MAX} characters.`),
})

/**
 * Who asks for a change, and why if they say so.
 *
 * @throws FoliotError `validation_failed` for a reason that is too long.
 */
export function reasonOf({ caller, raw }: FastifyRequest): MoveReason {
  const reason = headerText(raw, 'x-reason') ?? ''
  if (reason.length > REASON_MAX) {
    throw invalid('the headers are not as expected', [
      { path: '/x-reason', message: `expected at most ${REASON_MAX} characters, got ${reason.length}` },
    ])
  }
  return { by: caller.name, ...(reason !== '' && { reason }) }
}
