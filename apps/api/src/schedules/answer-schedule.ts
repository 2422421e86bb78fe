import type { Schedule } from '@foliot/jobs'
import type { FastifyReply } from 'fastify'
import type { ApiDeps } from '../api.ts'
import { etagOf } from './preconditions.ts'
import { type ShownSchedule, showSchedules } from './show-schedule.ts'

/** One schedule as a route answers with it. */
export async function answerWith(schedule: Schedule, reply: FastifyReply, deps: ApiDeps): Promise<ShownSchedule> {
  const [shown] = await showSchedules([schedule], deps)
  reply.header('etag', etagOf(schedule))
  return shown as ShownSchedule
}
