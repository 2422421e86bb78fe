import { briefsOf, listWorkers, type WorkerInfo } from '@foliot/queue'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { isVisible, type Viewer } from '../viewer.ts'
import { json } from '../wire/answer.ts'
import { problems } from '../wire/problem.ts'

const Worker = z.object({
  id: z.string(),
  host: z.string(),
  pid: z.int(),
  startedAt: z.string(),
  heartbeatAt: z.string(),
  queues: z.array(z.string()),
  concurrency: z.int().describe('Attempts at the same time, per queue.'),
  running: z.array(z.string()).describe('Ids of the jobs it runs.'),
  types: z.array(z.string()).describe('Job types it has handlers for.'),
  state: z.enum(['running', 'stopping']),
})

const WorkerList = z.object({ items: z.array(Worker), nextCursor: z.null() })

z.globalRegistry.add(Worker, { id: 'Worker' })

export function workerRoutes(app: Api, { redis }: ApiDeps): void {
  app.get(
    '/v1/workers',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listWorkers',
        summary: 'List workers',
        description: 'Those with a heartbeat in the last ten seconds.',
        tags: ['catalog'],
        response: { 200: json('All of them.', WorkerList), ...problems() },
      },
    },
    async ({ caller }) => {
      const workers = await listWorkers(redis)
      const items =
        caller.tenant === undefined ? workers : await Promise.all(workers.map((worker) => asSeenBy(caller, worker)))
      return { items, nextCursor: null }
    },
  )

  /** With the jobs that it runs of one tenant. */
  async function asSeenBy(caller: Viewer, worker: WorkerInfo): Promise<WorkerInfo> {
    const refs = worker.queues.flatMap((queue) => worker.running.map((id) => ({ queue, id })))
    const briefs = await briefsOf(redis, refs)
    const seen = refs.filter((_, i) => briefs[i] && isVisible(briefs[i], caller))
    return { ...worker, running: seen.map(({ id }) => id) }
  }
}
