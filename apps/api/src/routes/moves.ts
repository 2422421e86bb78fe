import { FoliotError, type Job as JobView } from '@foliot/jobs'
import { cancelJob, promoteJob, redriveJob } from '@foliot/queue'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { reasonOf } from '../move-reason.ts'
import { json } from '../wire/answer.ts'
import { Job } from '../wire/job.ts'
import { BODY_PROBLEMS, problems } from '../wire/problem.ts'

const MOVES = {
  cancel: { summary: 'Cancel a job, whether it waits or runs', move: cancelJob, moved: 'cancelled' },
  retry: { summary: 'Put a dead letter back into its queue', move: redriveJob, moved: 'redriven' },
  promote: { summary: 'Let a scheduled or retrying job run now', move: promoteJob, moved: 'promoted' },
} as const

export function moveRoutes(app: Api, { redis, jobs }: ApiDeps): void {
  for (const [verb, { summary, move, moved }] of Object.entries(MOVES)) {
    app.post(
      `/v1/jobs/:id/${verb}`,
      {
        config: { scope: 'operate', audit: `job.${verb}` },
        schema: {
          operationId: `${verb}Job`,
          summary,
          tags: ['jobs'],
          params: z.object({ id: z.string() }),
          response: {
            200: json('The job after the move.', Job),
            ...problems(...BODY_PROBLEMS, 'not_found', 'illegal_transition'),
          },
        },
      },
      async (request) => {
        const { id } = request.params
        const { caller, audit } = request
        try {
          const { ref, job } = await jobs.find(id, caller)
          audit.jobBefore(job ?? (await jobs.readIn(ref)))
          if (!ref) return refuse(job, moved)
          const after = await move(redis, ref, reasonOf(request))
          audit.jobAfter(after)
          return after
        } catch (error) {
          if (!(error instanceof FoliotError) || error.code !== 'not_found') throw error
          // It may have been taken into the history just now.
          const job = await jobs.read(id, caller)
          audit.jobBefore(job)
          return refuse(job, moved)
        }
      },
    )
  }
}

function refuse({ status }: JobView, moved: string): never {
  throw new FoliotError('illegal_transition', `a job that is ${status} and in the history alone cannot be ${moved}`, {
    hint: 'jobs leave Redis when they have ended, dead letters after a week: send its input as a new job',
  })
}
