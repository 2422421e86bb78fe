import { limitQueue, pauseQueue, type QueueInfo, readQueue, resumeQueue } from '@foliot/queue'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { TenantQueues } from '../tenant-queues.ts'
import { assertAllTenants, type Viewer } from '../viewer.ts'
import { json } from '../wire/answer.ts'
import { BODY_PROBLEMS, problems } from '../wire/problem.ts'
import { LimitsPatch, Queue, QueueList } from '../wire/queue.ts'

const tags = ['queues']
const params = z.object({ name: z.string() })

export function queueRoutes(app: Api, { redis, catalog }: ApiDeps): void {
  const tenantQueues = new TenantQueues(redis)
  const read = (name: string, { tenant }: Viewer): Promise<QueueInfo> =>
    tenant === undefined ? readQueue(redis, name) : tenantQueues.read(name, tenant)

  /** What changes a queue waits for a lost Redis as long as it takes: whoever asks has to hear of it now. */
  async function assertMayChange(name: string, caller: Viewer): Promise<void> {
    assertAllTenants(caller, 'the limits of a queue, and whether it is paused,')
    await catalog.assertQueue(name)
    await redis.ping()
  }

  app.get(
    '/v1/queues',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listQueues',
        summary: 'List queues',
        tags,
        response: { 200: json('All of them.', QueueList), ...problems() },
      },
    },
    async ({ caller }) => {
      await catalog.refresh()
      return { items: await Promise.all(catalog.queues.map((name) => read(name, caller))), nextCursor: null }
    },
  )

  app.get(
    '/v1/queues/:name',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'readQueue',
        summary: 'Read a queue',
        tags,
        params,
        response: { 200: json('The queue as it is now.', Queue), ...problems('not_found') },
      },
    },
    async ({ params: { name }, caller }) => {
      await catalog.assertQueue(name)
      return read(name, caller)
    },
  )

  app.patch(
    '/v1/queues/:name',
    {
      config: { scope: 'operate', audit: { action: 'queue.limit', asked: ({ body }) => body } },
      schema: {
        operationId: 'changeQueue',
        summary: 'Change the limits of a queue',
        description:
          '`concurrency` and `rateLimit` hold over all workers, from the next job on; `maxDepth` in every api within two ' +
          'seconds. null lifts a limit; what is left out stays.',
        tags,
        params,
        body: LimitsPatch,
        response: { 200: json('The queue with its new limits.', Queue), ...problems(...BODY_PROBLEMS, 'not_found') },
      },
    },
    async ({ params: { name }, body, caller, audit }) => {
      await assertMayChange(name, caller)
      audit.before = (await readQueue(redis, name)).limits
      const { concurrency, rateLimit, maxDepth } = body.limits ?? body
      await limitQueue(redis, name, {
        ...(concurrency !== undefined && { concurrency }),
        ...(rateLimit !== undefined && { rateLimit }),
        ...(maxDepth !== undefined && { maxDepth }),
      })
      // Here it holds from now on.
      await catalog.refresh()
      const queue = await readQueue(redis, name)
      audit.after = queue.limits
      return queue
    },
  )

  const switches = {
    pause: { summary: 'Stop handing out jobs of a queue; running ones go on', turn: pauseQueue },
    resume: { summary: 'Hand out jobs of a queue again', turn: resumeQueue },
  }
  for (const [verb, { summary, turn }] of Object.entries(switches)) {
    app.post(
      `/v1/queues/:name/${verb}`,
      {
        config: { scope: 'operate', audit: `queue.${verb}` },
        schema: {
          operationId: `${verb}Queue`,
          summary,
          tags,
          params,
          response: { 200: json('The queue as it is now.', Queue), ...problems(...BODY_PROBLEMS, 'not_found') },
        },
      },
      async ({ params: { name }, caller, audit }) => {
        await assertMayChange(name, caller)
        audit.before = { paused: (await readQueue(redis, name)).paused }
        await turn(redis, name)
        const queue = await readQueue(redis, name)
        audit.after = { paused: queue.paused }
        return queue
      },
    )
  }
}
