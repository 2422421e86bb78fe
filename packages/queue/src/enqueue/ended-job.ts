import { FoliotError, type Job } from '@foliot/jobs'
import type { Redis } from 'ioredis'
import { toJob } from '../jobs/job-hash.ts'
import type { AddCommand } from './add-command.ts'
import { type Envelope, NO_ENVELOPE } from './envelope.ts'

/** What `note-end.lua` tells an idempotency record, and when its job was made. */
const TOLD = ['at', 'st', 'finishedOn', 'processedOn', 'ats', 'atm'] as const

/**
 * The first job of an idempotency key after BullMQ has dropped it. Its id, status, times and attempts are those of the
 * record; its output and error are gone; the rest is what the repeated request says, which is the same request.
 *
 * @throws FoliotError `conflict` if the record does not know how the job ended.
 */
export async function readEndedJob(redis: Redis, { job, record, envelope }: AddCommand, id: string): Promise<Job> {
  const told = await redis.hmget(record as string, ...TOLD)
  const { at, st, finishedOn, ...fields } = Object.fromEntries(TOLD.map((name, i) => [name, told[i] ?? '']))
  if (!at || !st || !finishedOn) {
    throw new FoliotError('conflict', `the job ${id} of this idempotency key is gone, and nobody knows how it ended`, {
      hint: 'it was removed by hand, or Redis has lost it; use a new key to have it done again',
    })
  }
  const { runAt: _, deadlineAt: __, ...same } = envelope
  return toJob({
    queue: job.queue,
    id,
    locked: false,
    delayedScore: null,
    fields: {
      ...fields,
      st,
      finishedOn,
      timestamp: at,
      name: job.type,
      data: job.inputText,
      opts: JSON.stringify({ attempts: job.maxAttempts }),
      priority: String(job.priority),
      env: JSON.stringify({ ...same, traceparent: NO_ENVELOPE.traceparent } satisfies Envelope),
    },
  })
}
