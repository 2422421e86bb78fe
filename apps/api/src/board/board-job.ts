import type { JobState, QueueJob, QueueJobJson } from '@bull-board/api/typings/app'
import { isDeadLetter, isTerminal, type Job, type JobStatus } from '@foliot/jobs'
import { promoteJob, redriveJob } from '@foliot/queue'
import type { BoardVisit } from './board-visit.ts'
import { refuse } from './refusal.ts'

/** A job as the board wants it. What it can do goes through our moves; the rest is refused. */
export function toBoardJob(job: Job, visit: BoardVisit): QueueJob {
  return {
    opts: {},
    toJSON: () => toBoardJson(visit.redact(job)),
    getState: async () => (job.discardedAt === undefined ? PLACES[job.status] : 'completed'),
    retry: () => moveJob('redrive', job, visit, redriveJob),
    promote: () => moveJob('promote', job, visit, promoteJob),
    remove: async () => refuse('remove a job'),
  }
}

async function moveJob(action: string, job: Job, visit: BoardVisit, move: typeof redriveJob): Promise<void> {
  const { queue, id } = job
  visit.audit.jobBefore(job)
  const moved = await visit.act(action, { queue, jobId: id }, () => move(visit.redis, { queue, id }, visit.reason))
  visit.audit.jobAfter(moved)
}

/** The board knows BullMQ's places, not our statuses. */
const PLACES: Record<JobStatus, JobState> = {
  scheduled: 'delayed',
  queued: 'waiting',
  running: 'active',
  retrying: 'delayed',
  succeeded: 'completed',
  failed: 'failed',
  timed_out: 'failed',
  cancelled: 'completed',
}

/** What a status adds to the place that the job is shown in. */
const NOTES: Partial<Record<JobStatus, string>> = {
  retrying: 'retrying',
  cancelled: 'cancelled',
  timed_out: 'timed out',
}

function toBoardJson(job: Job): QueueJobJson {
  const { id, type, progress, input, output, error, createdAt, startedAt, finishedAt, nextAttemptAt } = job
  const { status, version, maxAttempts, labels, tenant, traceId, discardedAt, timeline, attempt } = job
  // The board offers to retry whatever has a reason of failure; of finished jobs only dead letters can be.
  const isShownAsFailed = error !== null && (!isTerminal(status) || (isDeadLetter(status) && discardedAt === undefined))
  const delay = nextAttemptAt === undefined ? undefined : Date.parse(nextAttemptAt) - Date.parse(createdAt)
  const { scheduleId, scheduledFor, latenessMs } = job
  const notes = [
    ...(scheduleId === undefined ? [] : [`by ${scheduleId}`]),
    discardedAt !== undefined ? 'discarded' : NOTES[status],
  ].filter((note) => note !== undefined)
  return {
    id,
    name: notes.length === 0 ? type : `${type} (${notes.join(', ')})`,
    progress: (progress as QueueJobJson['progress'] | null) ?? 0,
    attemptsMade: attempt,
    timestamp: Date.parse(createdAt),
    ...(startedAt !== undefined && { processedOn: Date.parse(startedAt) }),
    // Without a start the board would count from 1970.
    ...(startedAt !== undefined && finishedAt !== undefined && { finishedOn: Date.parse(finishedAt) }),
    ...(delay !== undefined && { delay }),
    failedReason: isShownAsFailed ? `${error.name}: ${error.message}` : '',
    stacktrace: isShownAsFailed && error.stack !== undefined ? [error.stack] : [],
    data: input,
    returnvalue: output,
    priority: job.priority,
    opts: {
      attempts: maxAttempts,
      ...(delay !== undefined && { delay }),
      status,
      ...(finishedAt !== undefined && { finishedAt }),
      ...(error !== null && { errorKind: error.kind }),
      ...(error !== null && !isShownAsFailed && { error: error.message }),
      ...(discardedAt !== undefined && { discardedAt }),
      version,
      priority: job.priority,
      labels,
      tenant,
      ...(scheduleId !== undefined && { scheduleId, scheduledFor, latenessMs }),
      traceId,
      timeline,
    },
  }
}
