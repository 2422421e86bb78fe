import type { StoredCalendar } from '@foliot/jobs'
import type { FastifyReply } from 'fastify'
import { etagOf } from './preconditions.ts'

/** One calendar as a route answers with it. */
export function answerWithCalendar(calendar: StoredCalendar, reply: FastifyReply) {
  reply.header('etag', etagOf(calendar))
  return showCalendar(calendar)
}

/** A calendar as answers have it. */
export const showCalendar = ({
  name,
  tenant,
  revision,
  timezone,
  dates,
  windows,
  createdAt,
  updatedAt,
}: StoredCalendar) => ({
  name,
  tenant,
  revision,
  timezone,
  dates: [...dates],
  windows: windows.map(({ days, from = '00:00', to = '24:00' }) => ({ days: [...days], from, to })),
  createdAt: new Date(createdAt).toISOString(),
  updatedAt: new Date(updatedAt).toISOString(),
})
