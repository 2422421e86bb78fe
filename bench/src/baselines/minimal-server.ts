/** The least that anybody would write to take jobs over HTTP: Fastify, Zod and `queue.add`. No keys, no catalog. */
import { Queue } from 'bullmq'
import { fastify } from 'fastify'
import { z } from 'zod'
import { onErrand } from '../on-errand.ts'
import { ATTEMPTS } from '../sample.ts'
import { connectForAdding } from './connection.ts'

export interface ServerTask {
  redisUrl: string
  queue: string
}

export interface ServerAnswer {
  url: string
}

const JobRequest = z.strictObject({
  type: z.string().min(1).max(128),
  input: z.unknown(),
  labels: z.record(z.string(), z.string()).optional(),
})

onErrand<ServerTask, ServerAnswer>(async ({ redisUrl, queue: name }) => {
  const queue = new Queue(name, { connection: connectForAdding(redisUrl), defaultJobOptions: { attempts: ATTEMPTS } })
  await queue.waitUntilReady()
  const app = fastify()
  app.post('/v1/jobs', async (request, reply) => {
    const parsed = JobRequest.safeParse(request.body)
    if (!parsed.success) return reply.code(400).send({ errors: parsed.error.issues })
    const { type, input, labels } = parsed.data
    const { id } = await queue.add(type, { input, labels })
    return reply.code(202).send({ id })
  })
  return { url: await app.listen({ host: '127.0.0.1', port: 0 }) }
})
