import { FoliotError, isJobId, type Job, LIMITS } from '@foliot/jobs'
import type { Redis } from 'ioredis'
import { indexKey, jobKey, logsKey } from '../keys.ts'
import { readTogether } from '../redis/read-together.ts'
import { readStoredJob, toJob } from './job-hash.ts'
import type { JobRef } from './moves.ts'

/**
 * Finds the queue that a job is in. One round trip, whatever the number of queues.
 *
 * @throws FoliotError `not_found`, also for an id that can be none.
 */
export async function locateJob(redis: Redis, queues: readonly string[], id: string): Promise<JobRef> {
  const queue = isJobId(id) ? await firstWith(redis, queues, id) : undefined
  if (queue === undefined) throw noSuchJob(id)
  return { queue, id }
}

/** What whoever asks for a job hears if it is not there, or not to be seen. */
export const noSuchJob = (id: string): FoliotError =>
  new FoliotError('not_found', `there is no job ${id.slice(0, 64)}`, {
    hint: 'without a history, finished jobs are kept for an hour and dead letters for a week',
  })

async function firstWith(redis: Redis, queues: readonly string[], id: string): Promise<string | undefined> {
  const pipeline = redis.pipeline()
  for (const queue of queues) pipeline.exists(jobKey(queue, id))
  const found = await readTogether<number[]>(pipeline)
  return queues[found.indexOf(1)]
}

/** @throws FoliotError `not_found` */
export async function readJob(redis: Redis, queues: readonly string[], id: string): Promise<Job> {
  const { queue } = await locateJob(redis, queues, id)
  const stored = await readStoredJob(redis, queue, id)
  if (!stored) throw noSuchJob(id)
  return toJob(stored)
}

/** Whether Redis has another state of each of these jobs than the history, or had a moment ago. One round trip. */
export async function whichAreNewer(redis: Redis, jobs: readonly JobRef[]): Promise<boolean[]> {
  const reads = redis.pipeline()
  for (const { queue, id } of jobs) reads.zscore(indexKey(queue), id)
  return (await readTogether<(string | null)[]>(reads)).map((madeAt) => madeAt !== null)
}

/** The last lines of a job's log, oldest first. */
export const readLog = (redis: Redis, { queue, id }: JobRef): Promise<string[]> =>
  redis.lrange(logsKey(queue, id), -LIMITS.logLines, -1)
