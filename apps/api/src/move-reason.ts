import type { MoveReason } from '@foliot/queue'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'

/** For routes that move jobs by hand. */
export const reasonHeader = z.looseObject({
  'x-reason': z.string().optional().describe('Why, for the timeline of each job that is moved.'),
})

/** Who asks for a change, and why if they say so. */
export function reasonOf({ caller, headers }: FastifyRequest): MoveReason {
  const reason = headers['x-reason']
  return { by: caller.name, ...(typeof reason === 'string' && reason !== '' && { reason: reason.slice(0, 256) }) }
}
