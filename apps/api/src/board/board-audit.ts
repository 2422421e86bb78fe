import type { AuditTarget } from '@foliot/jobs'
import type { FastifyRequest, RouteOptions } from 'fastify'
import type { AuditOfRoute } from '../audit/audit-changes.ts'

/** What stands in the audit of each change on the board, as in the timelines of jobs. */
export const BOARD_REASON = 'on the board'

const PATH_MAX = 256

const param =
  (name: string) =>
  ({ params }: FastifyRequest): Partial<AuditTarget> => ({ id: (params as Record<string, string>)[name] ?? null })

/** What the calls of the board are, by how their paths end. Whatever else would change something is refused. */
const ACTIONS: readonly [RegExp, AuditOfRoute][] = [
  [/\/queues\/(?::queueName\/)?pause$/, { action: 'queue.pause', target: param('queueName') }],
  [/\/queues\/(?::queueName\/)?resume$/, { action: 'queue.resume', target: param('queueName') }],
  [/\/:jobId\/retry$/, { action: 'job.retry', target: param('jobId') }],
  [/\/:jobId\/promote$/, { action: 'job.promote', target: param('jobId') }],
  [
    /\/:queueName\/retry\/:queueStatus$/,
    {
      action: 'dead_letters.redrive',
      asked: ({ params }) => ({ filter: { queue: (params as { queueName: string }).queueName } }),
    },
  ],
]

const OTHER: AuditOfRoute = {
  action: 'board.refused',
  target: ({ method, url }) => ({ id: `${method} ${url.split('?', 1)[0]}`.slice(0, PATH_MAX) }),
}

/** What the audit says of a call of the board that may change something. */
export const auditOfBoard = ({ url }: RouteOptions): AuditOfRoute => ({
  ...(ACTIONS.find(([path]) => path.test(url))?.[1] ?? OTHER),
  reason: BOARD_REASON,
})
