import { FoliotError, isTerminal, STATUSES } from '@foliot/jobs'
import { deleteEndedJob, isRecording, type JobRef, type JobSearch, type Position } from '@foliot/queue'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { toFilter } from '../job-filter.ts'
import { json } from '../wire/answer.ts'
import { DeleteJobs, Deletion } from '../wire/deletion.ts'
import { BODY_PROBLEMS, problems } from '../wire/problem.ts'

const tags = ['jobs']

/** About how many jobs one request deletes, so that it is answered in time. It is sent again if there are more. */
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
      await assertComplete()
      if (!isTerminal(job.status) || (await deleteEverywhere([job])).length > 0) {
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
          `and stay. About ${MOST} at a time: with \`more\`, send it again.`,
        tags,
        body: DeleteJobs,
        response: { 200: json('What was deleted.', Deletion), ...problems(...BODY_PROBLEMS, 'not_found') },
      },
    },
    async (request) => {
      const { dryRun, ...filter } = request.body
      const search = await toFilter(filter, catalog, request.caller)
      request.audit.target.tenant = search.tenant ?? null
      await assertComplete()
      const met = new Set<string>()
      const open = new Set<string>()
      let deleted = 0
      async function take(ended: readonly JobRef[]): Promise<void> {
        for (const { id } of ended) met.add(id)
        if (dryRun) return
        const left = await deleteEverywhere(ended)
        deleted += ended.length - left.length
        for (const id of left) open.add(id)
      }

      /** @returns whether there may be more */
      async function takeAll(): Promise<boolean> {
        // Before the others: one that ends meanwhile may be among neither.
        const before = await readOpen(search)
        let after: Position | undefined
        do {
          const page = await jobs.list({ ...search, statuses: ENDED }, AT_ONCE, after)
          await take(page.items)
          after = page.next
        } while (after !== undefined && met.size < MOST)
        for (const id of (await readOpen(search)).keys()) open.add(id)
        const endedSince = [...before.values()].filter(({ id }) => !met.has(id) && !open.has(id))
        while (endedSince.length > 0 && met.size < MOST) await take(endedSince.splice(0, AT_ONCE))
        return after !== undefined || endedSince.length > 0
      }

      const told = () => [...open].slice(0, OPEN_TOLD)
      try {
        const more = await takeAll()
        return { matched: met.size, deleted, open: told(), more }
      } finally {
        request.audit.after = { deleted, open: told().length }
      }
    },
  )

  /** All that have not ended, and not only those that are told: any of them may end before the answer. */
  async function readOpen(search: JobSearch): Promise<Map<string, JobRef>> {
    const open = new Map<string, JobRef>()
    let after: Position | undefined
    do {
      const page = await jobs.list({ ...search, statuses: OPEN }, AT_ONCE, after)
      for (const { id, queue } of page.items) open.set(id, { id, queue })
      after = page.next
    } while (after !== undefined)
    return open
  }

  /** What cannot be deleted everywhere is deleted nowhere. @throws FoliotError `unavailable` */
  async function assertComplete(): Promise<void> {
    if (!history && (await isRecording(redis))) {
      throw new FoliotError('unavailable', 'this api does not know the history that there is', {
        hint: 'set FOLIOT_DATABASE_URL, as the recorder has it, or ask an api that has it',
      })
    }
  }

  /** First from Redis, or they would be recorded again. @returns ids of those that go on, of which nothing was deleted */
  async function deleteEverywhere(refs: readonly JobRef[]): Promise<string[]> {
    if (refs.length === 0) return []
    const ids = refs.map(({ id }) => id)
    await history?.announceDeletion(ids)
    let left = ids
    try {
      const done = await Promise.all(refs.map((ref) => deleteEndedJob(redis, ref)))
      left = ids.filter((_, i) => done[i] === 'open')
    } finally {
      // Also of those of which Redis did not tell: who asks again finds what there still is.
      if (left.length > 0) await history?.withdrawDeletion(left)
    }
    const ended = ids.filter((id) => !left.includes(id))
    if (ended.length > 0) await history?.delete(ended)
    return left
  }
}
