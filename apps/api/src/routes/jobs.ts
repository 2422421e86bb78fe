import { z } from 'zod'
import { keyEnded } from '../access/key-ended.ts'
import type { Api, ApiDeps } from '../api.ts'
import { toSearch } from '../job-filter.ts'
import { readCursor, writeCursor } from '../list-cursor.ts'
import { json } from '../wire/answer.ts'
import { Job } from '../wire/job.ts'
import { JobList, ListJobs } from '../wire/list.ts'
import { problems } from '../wire/problem.ts'
import { integerParam } from '../wire/query.ts'

const tags = ['jobs']
const params = z.object({ id: z.string() })

export function jobRoutes(app: Api, { access, catalog, jobs, finishes, history }: ApiDeps): void {
  app.get(
    '/v1/jobs',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listJobs',
        summary: 'List jobs',
        description:
          'By when they were made, the newest first; no job is met twice or missed because it moves meanwhile. A page may be ' +
          'short, or even empty, and still have a `nextCursor`.',
        tags,
        querystring: ListJobs,
        response: { 200: json('One page.', JobList), ...problems('not_found') },
      },
    },
    async ({ query, caller }) => {
      const after = readCursor(query)
      const { items, next } = await jobs.list(await toSearch(query, catalog, caller, history), query.limit, after)
      return { items, nextCursor: writeCursor(query, next) }
    },
  )

  app.get(
    '/v1/jobs/:id',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'readJob',
        summary: 'Read a job',
        tags,
        params,
        response: { 200: json('The job as it is now.', Job), ...problems('not_found') },
      },
    },
    async ({ params: { id }, caller }) => jobs.read(id, caller),
  )

  app.get(
    '/v1/jobs/:id/wait',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'waitForJob',
        summary: 'Wait for the end of a job',
        tags,
        params,
        querystring: z.strictObject({
          timeoutMs: integerParam(0, 60_000).default(30_000).describe('How long to wait.'),
        }),
        response: {
          200: json('The job has ended.', Job),
          202: json('It is still going on.', Job),
          ...problems('not_found'),
        },
      },
    },
    async (request, reply) => {
      const found = await jobs.find(request.params.id, request.caller)
      if (found.job) return found.job
      const gone = new AbortController()
      reply.raw.once('close', () => gone.abort())
      const hold = access.hold(request.caller)
      const until = AbortSignal.any([gone.signal, hold.ended])
      const { job, ended } = await finishes
        .waitFor(found.ref, request.query.timeoutMs, until)
        .finally(() => hold.release())
      if (hold.ended.aborted) throw keyEnded()
      reply.code(ended ? 200 : 202)
      return job
    },
  )
}
