import { isScheduleId } from '@foliot/jobs'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { readCursor, writeCursor } from '../list-cursor.ts'
import { listTicks } from '../schedules/list-ticks.ts'
import { noSuchSchedule } from '../schedules/no-such.ts'
import { tenantOf } from '../schedules/tenant-of.ts'
import { toMs } from '../schedules/to-schedule.ts'
import { json } from '../wire/answer.ts'
import { problems } from '../wire/problem.ts'
import { ListTicks, TickList } from '../wire/tick.ts'

export function tickRoutes(app: Api, deps: ApiDeps): void {
  app.get(
    '/v1/schedules/:id/ticks',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listTicks',
        summary: 'List what became of the ticks of a schedule',
        description:
          'The newest first: ticks that fired by when their jobs were made, the others by when they were planned. Jobs that were ' +
          'triggered or made up for by hand are among them. Ticks without a job are complete as far as a recorder has stored them, ' +
          'which takes a second; of later ones those that are among the last 1000 of the queue are told.',
        tags: ['schedules'],
        params: z.object({ id: z.string() }),
        querystring: ListTicks,
        response: { 200: json('One page.', TickList), ...problems('not_found') },
      },
    },
    async ({ params: { id }, query, caller }) => {
      const after = readCursor(query)
      const tenant = tenantOf(caller, query.tenant, () => noSuchSchedule(id))
      const schedule = isScheduleId(id) ? await deps.schedules.read({ tenant, id }) : undefined
      if (!schedule) throw noSuchSchedule(id)
      const span = { from: toMs(query.from), to: toMs(query.to) }
      const { items, next } = await listTicks(schedule, { ...span, limit: query.limit, after }, deps)
      return { items, nextCursor: writeCursor(query, next) }
    },
  )
}
