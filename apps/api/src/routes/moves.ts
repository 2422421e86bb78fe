import { cancelJob, locateJob, promoteJob, redriveJob } from '@foliot/queue'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { inQueues } from '../in-queues.ts'
import { reasonHeader, reasonOf } from '../move-reason.ts'
import { json } from '../wire/answer.ts'
import { Job } from '../wire/job.ts'
import { BODY_PROBLEMS, problems } from '../wire/problem.ts'

const MOVES = {
  cancel: { summary: 'Cancel a job, whether it waits or runs', move: cancelJob },
  retry: { summary: 'Put a dead letter back into its queue', move: redriveJob },
  promote: { summary: 'Let a scheduled or retrying job run now', move: promoteJob },
} as const

export function moveRoutes(app: Api, { redis, catalog }: ApiDeps): void {
  for (const [verb, { summary, move }] of Object.entries(MOVES)) {
    app.post(
      `/v1/jobs/:id/${verb}`,
      {
        config: { scope: 'operate' },
        schema: {
          operationId: `${verb}Job`,
          summary,
          tags: ['jobs'],
          params: z.object({ id: z.string() }),
          headers: reasonHeader,
          response: {
            200: json('The job after the move.', Job),
            ...problems(...BODY_PROBLEMS, 'not_found', 'illegal_transition'),
          },
        },
      },
      async (request) => {
        const ref = await inQueues(catalog, (queues) => locateJob(redis, queues, request.params.id))
        return move(redis, ref, reasonOf(request))
      },
    )
  }
}
