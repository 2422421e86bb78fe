export { projectAccess, projectedRevision, readProjection } from './access/projection.ts'
export type { CancelMessage, CancelRequest } from './attempts/cancel-request.ts'
export { CancelWatch } from './attempts/cancel-watch.ts'
export type { Claim } from './attempts/claim.ts'
export { Consumer, type ConsumerOptions } from './attempts/consumer.ts'
export type { RunningAttempt, StopReason } from './attempts/running-attempt.ts'
export { heedCancel, type Settlement, STOP_MANNERS, type StopManner } from './attempts/settlement.ts'
export {
  type AuditPlace,
  beginAudit,
  countAudit,
  endAudit,
  readAuditAfter,
  readAuditBefore,
  type StoredAudit,
  takeAudit,
  timeOfPlace,
  withdrawAudit,
} from './audit/audit-stream.ts'
export { type Enqueued, enqueue, enqueueMany, type NewJob, QuotaReached } from './enqueue/enqueue.ts'
export { takeTokens } from './enqueue/take-tokens.ts'
export { deleteEndedJob } from './jobs/delete-job.ts'
export { type ErrorGroups, GROUP_LIMIT, groupErrors, SCAN_LIMIT } from './jobs/error-groups.ts'
export { EventFeed, type Listening, type RawEvent, SCHEDULE_EVENTS } from './jobs/event-feed.ts'
export { comparePositions, timeOfPosition } from './jobs/event-position.ts'
export { locateJob, noSuchJob, readJob, readLog, whichAreNewer } from './jobs/find-job.ts'
export { type FinishWaiter, FinishWatch } from './jobs/finish-watch.ts'
export { JOB_EVENTS, type JobEvent, type JobEventName, toJobEvent } from './jobs/job-event.ts'
export type { JobFilter } from './jobs/job-filter.ts'
export { redactedFields, type StoredJob, statusOf, toJob } from './jobs/job-hash.ts'
export type { InputCondition, JobSearch } from './jobs/job-search.ts'
export { type JobTexts, textsOf } from './jobs/job-texts.ts'
export { type JobPage, listDeadLetters, listJobs, readFitting } from './jobs/list-jobs.ts'
export { cancelJob, type JobRef, type MoveReason, promoteJob, redriveJob } from './jobs/moves.ts'
export { endOverdue, LOOK_FOR_OVERDUE_EVERY_MS } from './jobs/overdue.ts'
export { countPlaces, listPlace, PLACES, type Place } from './jobs/places.ts'
export { newestFirst, type Position } from './jobs/position.ts'
export { briefsOf, type JobBrief, readEventsAfter } from './jobs/read-events.ts'
export { type LogPart, readLogAfter } from './jobs/read-log.ts'
export { DEAD_LETTERS_STAY_MS } from './jobs/retention.ts'
export { SWEEP_EVERY_MS, sweepQueue } from './jobs/sweep.ts'
export {
  driveOperation,
  type JobMaker,
  type MadeJobs,
  type OperationDriver,
  RATIO_MIN_FINISHED,
  startOperation,
} from './operations/drive.ts'
export { takeOperation } from './operations/lease.ts'
export { OPERATION_STATES, type Operation, type OperationRequest } from './operations/operation.ts'
export {
  pauseOperation,
  readOperation,
  readStoredOperation,
  resumeOperation,
  type StoredOperation,
} from './operations/record.ts'
export { type FinishedAttempt, finishedAttempts } from './outbox/finished-attempts.ts'
export {
  dropOutbox,
  dropUnkept,
  type FinishedEntry,
  holdOutbox,
  measureOutboxes,
  type OutboxState,
  queuesToEmpty,
  readOutbox,
  takeFromOutbox,
} from './outbox/outbox.ts'
export { isRecording, RecordingWatch, sayRecording } from './outbox/recording.ts'
export { ANNOUNCE_EVERY_MS, announce, Catalog } from './queues/catalog.ts'
export { forgetQueues } from './queues/forget-queues.ts'
export { limitQueue, pauseQueue, type QueueInfo, type QueueLimits, readQueue, resumeQueue } from './queues/queues.ts'
export { readQueueOf, type TenantQueueInfo } from './queues/tenant-queue.ts'
export { beat, HEARTBEAT_EVERY_MS, listWorkers, signOff, type WorkerInfo } from './queues/workers.ts'
export { assertSafeRedis, connectForLoops, connectForRequests, untilReady } from './redis/connection.ts'
export { denialOf } from './redis/denial.ts'
export { Disk } from './redis/disk.ts'
export { type ConnectionLog, RedisConnection, type RedisConnectionOptions } from './redis/redis-connection.ts'
export { isRedisTrouble, type RedisRefusal, refusalOf } from './redis/redis-trouble.ts'
export { defineScripts } from './redis/scripts.ts'
export { WriteWatch } from './redis/write-watch.ts'
export {
  decideTicks,
  TICKS_HELD_MAX,
  type TickDecision,
  type TickJob,
  type TickResult,
} from './schedules/decide-ticks.ts'
export {
  FINDING_EVENTS,
  FINDING_KINDS,
  type Finding,
  type FindingEvent,
  type FindingKind,
  findingField,
  holdWatch,
  leaveWatch,
  listFindings,
  readFindings,
  readWatched,
  sayWatched,
  tellFindings,
  toFindingEvent,
  type Watched,
} from './schedules/findings.ts'
export {
  HOMELESS_QUEUE,
  type Home,
  leaveHome,
  openSlot,
  readHomes,
  readTickStates,
  type TickState,
  writeHomes,
} from './schedules/homes.ts'
export {
  awaitChanges,
  changesPosition,
  type ProjectedSchedule,
  parseProjected,
  projectedSchedulesRevision,
  projectSchedules,
  readCalendars,
  readProjected,
  readSlot,
  type ScheduleChanges,
  sayProjected,
  schedulesEpoch,
  settleSchedule,
} from './schedules/projection.ts'
export { type Run, readOpenRuns, readRuns } from './schedules/runs.ts'
export {
  type HeldSlots,
  holdSlots,
  leaveSlots,
  listSchedulers,
  SLOTS,
  type SlotRequest,
  slotOf,
} from './schedules/slots.ts'
export { tickJobId } from './schedules/tick-job-id.ts'
export {
  readNewestUnfiredTicks,
  readUnfiredTicks,
  type StoredUnfiredTick,
  takeUnfiredTicks,
} from './schedules/unfired-ticks.ts'
