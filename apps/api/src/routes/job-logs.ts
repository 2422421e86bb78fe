import { earlierLinesNote, LIMITS } from '@foliot/jobs'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { headerText } from '../header-text.ts'
import { invalid } from '../problem.ts'
import { LINES_AT_ONCE, streamLog } from '../streams/log-stream.ts'
import { wantsEvents } from '../streams/wants-events.ts'
import { problems } from '../wire/problem.ts'

const LAST_EVENT_ID = 'last-event-id'

export function jobLogRoutes(app: Api, { logs, streams }: ApiDeps): void {
  app.get(
    '/v1/jobs/:id/logs',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'readJobLog',
        summary: 'Read the log of a job, or follow it',
        description:
          `One line each: time, level, message, fields. The last ${LIMITS.logLines} lines are kept. With ` +
          '`Accept: text/event-stream` or `follow=true` they come as server-sent events, those so far and then each new one: ' +
          'a line as `data` with its number as `id`; `cut` if lines in between are no longer kept (`{"lines": 3}`); `end` when ' +
          'the job has ended and all lines are sent (`{"status": "succeeded"}`); `error` with a problem.',
        tags: ['jobs'],
        params: z.object({ id: z.string() }),
        querystring: z.strictObject({
          follow: z
            .enum(['true', 'false'])
            .optional()
            .describe('`true` for events, `false` for text. Default: what `Accept` asks for.'),
        }),
        headers: z.looseObject({
          [LAST_EVENT_ID]: z
            .string()
            .optional()
            .describe('For events: the number of the last line that is known. Those behind it come.'),
        }),
        response: {
          200: {
            description: 'The lines, oldest first.',
            content: { 'text/plain': { schema: z.string() }, 'text/event-stream': { schema: z.string() } },
          },
          ...problems('not_found'),
        },
      },
    },
    async (request, reply) => {
      const { params, query, headers, method } = request
      const isStream = query.follow === undefined ? wantsEvents(headers.accept) : query.follow === 'true'
      const after = isStream ? lastLine(request) : 0
      const log = await logs.find(params.id, request.caller)
      const first = await log.read(after, isStream ? LINES_AT_ONCE : LIMITS.logLines)
      if (first.last < after) throw notThatLong(first.last, after)
      reply.header('vary', 'accept')
      if (isStream && method !== 'HEAD') {
        await streams.serve(request, reply, (stream) => streamLog(stream, log, after, first))
        return reply
      }
      // A string is not JSON here: the serializer of the route is passed by.
      reply.type(isStream ? 'text/event-stream; charset=utf-8' : 'text/plain; charset=utf-8')
      reply.serializer((text: unknown) => text as string)
      const lines = first.after > 0 ? [earlierLinesNote(first.after), ...first.lines] : first.lines
      return isStream ? '' : lines.map((line) => `${line}\n`).join('')
    },
  )
}

/** The number of the line that a reader has seen last; 0 for none. @throws FoliotError `validation_failed` */
function lastLine({ raw }: FastifyRequest): number {
  // A reader that has seen no event yet may send it empty.
  const id = headerText(raw, LAST_EVENT_ID) || '0'
  if (/^\d{1,15}$/.test(id)) return Number(id)
  throw wrongId(`expected the id of an event of this stream, which is a number, got ${JSON.stringify(id.slice(0, 64))}`)
}

const notThatLong = (last: number, after: number) =>
  wrongId(`expected the id of an event of this stream: the log has ${last} lines, got ${after}. Read it from its start`)

const wrongId = (message: string) =>
  invalid('the headers are not as expected', [{ path: `/${LAST_EVENT_ID}`, message }])
