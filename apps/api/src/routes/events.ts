import { FINDING_EVENTS, JOB_EVENTS } from '@foliot/queue'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { headerText } from '../header-text.ts'
import { invalid } from '../problem.ts'
import { type EventPositions, readPositions } from '../streams/event-positions.ts'
import { EventTail } from '../streams/event-tail.ts'
import { problems } from '../wire/problem.ts'
import { MANY, manyOf } from '../wire/query.ts'

const LAST_EVENT_ID = 'last-event-id'

const EVENTS = [...JOB_EVENTS, ...FINDING_EVENTS] as const

/** An id names each queue: with more it would be longer than a header may be. */
const MOST_QUEUES = 100

export function eventRoutes(app: Api, { redis, catalog, feed, jobs, streams }: ApiDeps): void {
  app.get(
    '/v1/events',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'followEvents',
        summary: 'Follow what happens to jobs and schedules',
        description:
          'Server-sent events as things happen, each named by what it is, with `{"jobId", "queue", "at"}` as `data`; also ' +
          '`runAt` of one that is `scheduled`, `progress`, and `type` where it is filtered by. `gap` says that events of a ' +
          'queue may be missing; `error` holds a problem. `schedule_overdue` and `schedule_recovered` have what `GET /v1/watch` ' +
          'shows, and `at`; they come unless `queue`, `type` or `jobId` is given.',
        tags: ['jobs'],
        querystring: z.strictObject({
          queue: z.string().max(64).optional(),
          type: z.string().min(1).max(128).optional(),
          event: manyOf(z.enum(EVENTS))
            .optional()
            .meta({ description: `${MANY}: ${EVENTS.join(', ')}.` }),
          jobId: z.string().min(1).max(256).optional(),
        }),
        headers: z.looseObject({
          [LAST_EVENT_ID]: z
            .string()
            .optional()
            .describe('The id of the last event of a stream with the same `queue`. What happened since comes first.'),
        }),
        response: {
          200: { description: 'The events.', content: { 'text/event-stream': { schema: z.string() } } },
          ...problems('not_found'),
        },
      },
    },
    async (request, reply) => {
      const { queue, type, event, jobId } = request.query
      const seen = lastSeen(request, queue)
      if (queue !== undefined) await catalog.assertQueue(queue)
      else await catalog.refresh()
      if (queue === undefined && catalog.queues.length > MOST_QUEUES) throw tooMany(catalog.queues.length)
      if (request.method === 'HEAD') {
        reply.type('text/event-stream; charset=utf-8').serializer((text: unknown) => text as string)
        return ''
      }
      const events = event && new Set<string>(event)
      const isOfJobs = queue !== undefined || type !== undefined || jobId !== undefined
      const schedules = !isOfJobs && (!events || FINDING_EVENTS.some((name) => events.has(name)))
      const filter = { queue, type, jobId, events, schedules, tenant: request.caller.tenant }
      const tail = await EventTail.open({ redis, catalog, feed, jobs, filter, seen })
      try {
        await streams.serve(request, reply, (stream) => tail.send(stream))
      } finally {
        tail.close()
      }
      return reply
    },
  )
}

/** Undefined for a reader that comes for the first time. @throws FoliotError `validation_failed` */
function lastSeen({ raw }: FastifyRequest, queue: string | undefined): EventPositions | undefined {
  // A reader that has seen no event yet may send it empty.
  const id = headerText(raw, LAST_EVENT_ID) || undefined
  if (id === undefined) return undefined
  const seen = readPositions(id)
  if (seen && (queue === undefined || seen.has(queue))) return seen
  const expected = 'expected the id of an event of this stream, like "demo=1795288456213-0"'
  throw wrong(`/${LAST_EVENT_ID}`, `${expected}, with the same \`queue\`, got ${JSON.stringify(id.slice(0, 64))}`)
}

const wrong = (path: string, message: string) => invalid('the headers are not as expected', [{ path, message }])

const tooMany = (queues: number) =>
  invalid('the query string is not as expected', [
    { path: '/queue', message: `expected one of the ${queues} queues: at most ${MOST_QUEUES} can be followed at once` },
  ])
