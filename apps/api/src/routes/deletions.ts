import { FoliotError, isTerminal, STATUSES } from '@foliot/jobs'
import { deleteEndedJob, isRecording, type JobRef, type Position } from '@foliot/queue'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { toFilter } from '../job-filter.ts'
import { json } from '../wire/answer.ts'
import { DeleteJobs, Deletion } from '../wire/deletion.ts'
import { BODY_PROBLEMS, problems } from '../wire/problem.ts'

const tags = ['jobs']

/** How many jobs one request deletes: it is answered within seconds, and asked again if there are more. */
const MOST = 5000
const AT_ONCE = 200
const OPEN_TOLD = 100

const ENDED = STATUSES.filter(isTerminal)
const OPEN = STATUSES.filter((status) => !isTerminal(status))

export function deletionRoutes(app: Api, { redis, catalog, jobs, history }: ApiDeps): void {
  app.delete(
    '/v1/jobs/:id',
    {
      config: { scope: 'admin', audit: 'job.delete' },
      schema: {
        operationId: 'deleteJob',
        summary: 'Delete a job that has ended, and its log',
        description: 'From Redis and from the history. One that has not ended has to be cancelled first.',
        tags,
        params: z.object({ id: z.string() }),
        response: {
          204: z.void().describe('It is gone.'),
          ...problems(...BODY_PROBLEMS, 'not_found', 'illegal_transition'),
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const job = await jobs.read(id, request.caller)
      request.audit.jobBefore(job)
      await assertComplete([id])
      if (!(await deleteEverywhere([job]))) {
        throw new FoliotError('illegal_transition', `a job that is ${job.status} cannot be deleted`, {
          hint: 'only a job that has ended can be: cancel it first',
        })
      }
      reply.code(204)
    },
  )

  app.post(
    '/v1/jobs/delete',
    {
      config: {
        scope: 'admin',
        audit: {
          action: 'job.delete_labelled',
          target: () => ({ kind: 'jobs' }),
          asked: ({ body }) => body,
        },
      },
      schema: {
        operationId: 'deleteJobs',
        summary: 'Delete all jobs of one label, and their logs',
        description:
          'From Redis and from the history, such as everything about one person. Jobs that have not ended are told in `open` ' +
          `and stay. At most ${MOST} at a time: with \`more\`, send it again.`,
        tags,
        body: DeleteJobs,
        response: { 200: json('What was deleted.', Deletion), ...problems(...BODY_PROBLEMS, 'not_found') },
      },
    },
    async (request) => {
      const { dryRun, ...filter } = request.body
      const search = await toFilter(filter, catalog, request.caller)
      request.audit.target.tenant = search.tenant ?? null
      await assertComplete([])
      const found = { matched: 0, deleted: 0, open: [] as string[], more: false }
      let after: Position | undefined
      do {
        const page = await jobs.list({ ...search, statuses: ENDED }, AT_ONCE, after)
        found.matched += page.items.length
        if (!dryRun) found.deleted += await deleteEverywhere(page.items, found.open)
        after = page.next
      } while (after !== undefined && found.matched < MOST)
      const open = await jobs.list({ ...search, statuses: OPEN }, OPEN_TOLD)
      found.open = [...new Set([...found.open, ...open.items.map(({ id }) => id)])].slice(0, OPEN_TOLD)
      request.audit.after = { deleted: found.deleted, open: found.open.length }
      return { ...found, more: after !== undefined }
    },
  )

  /** What cannot be deleted everywhere is deleted nowhere. @throws FoliotError `unavailable` */
  async function assertComplete(ids: readonly string[]): Promise<void> {
    if (history) await history.briefs(ids)
    else if (await isRecording(redis)) {
      throw new FoliotError('unavailable', 'this api does not know the history that there is', {
        hint: 'set FOLIOT_DATABASE_URL, as the recorder has it, or ask an api that has it',
      })
    }
  }

  /** First from Redis, or it would be recorded again. @returns how many were deleted; those that go on are added to `open` */
  async function deleteEverywhere(refs: readonly JobRef[], open: string[] = []): Promise<number> {
    const done = await Promise.all(refs.map((ref) => deleteEndedJob(redis, ref)))
    open.push(...refs.filter((_, i) => done[i] === 'open').map(({ id }) => id))
    const ended = refs.filter((_, i) => done[i] !== 'open').map(({ id }) => id)
    if (ended.length > 0) await history?.delete(ended)
    return ended.length
  }
}
