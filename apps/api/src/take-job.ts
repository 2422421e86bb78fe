import type { Job } from '@foliot/jobs'
import { type Enqueued, enqueue, type NewJob, QuotaReached } from '@foliot/queue'
import type { FastifyReply } from 'fastify'
import type { ApiDeps } from './api.ts'
import { askLeave, refusalFor } from './enqueue-quota.ts'
import type { Viewer } from './viewer.ts'

/**
 * Stores a job within the limits of its tenant, and answers with it: 202 for a new one, 200 for one that was there.
 *
 * @throws as `enqueue`, or FoliotError `rate_limited`
 */
export async function takeJob(
  making: Promise<NewJob>,
  { caller, reply }: { caller: Viewer; reply: FastifyReply },
  deps: ApiDeps,
): Promise<Job> {
  const enqueued = await take(making, reply, deps).catch((error: unknown) => {
    throw refusalFor(caller, error)
  })
  const { replayed, deduplicated } = enqueued
  const job = await deps.jobs.recall(enqueued)
  reply.code(replayed || deduplicated ? 200 : 202).header('location', `/v1/jobs/${job.id}`)
  if (replayed) reply.header('idempotency-replayed', 'true')
  if (deduplicated) reply.header('deduplicated', 'true')
  return job
}

async function take(making: Promise<NewJob>, reply: FastifyReply, deps: ApiDeps): Promise<Enqueued> {
  const job = await making
  const leave = await askLeave(deps, job.tenant, 1)
  reply.headers(leave.headers())
  if (leave.granted === 0) throw leave.refusal()
  try {
    const enqueued = await enqueue(deps.redis, job, deps.disk)
    reply.headers(leave.headers(enqueued.open))
    return enqueued
  } catch (error) {
    await leave.giveBack(1)
    if (error instanceof QuotaReached) reply.headers(leave.headers(error.open))
    throw error
  }
}
