export type { CancelRequest } from './cancel-request.ts'
export { type CancelMessage, CancelWatch } from './cancel-watch.ts'
export { ANNOUNCE_EVERY_MS, announce, Catalog } from './catalog.ts'
export type { Claim } from './claim.ts'
export {
  assertSafeRedis,
  connectForLoops,
  connectForRequests,
  isRedisAway,
  isRedisTrouble,
  untilReady,
} from './connection.ts'
export { Consumer, type ConsumerOptions } from './consumer.ts'
export { Disk } from './disk.ts'
export { type Enqueued, enqueue, enqueueMany, type NewJob } from './enqueue.ts'
export { GROUP_LIMIT, groupErrors, SCAN_LIMIT } from './error-groups.ts'
export { locateJob, readJob, readLog } from './find-job.ts'
export { type FinishWaiter, FinishWatch } from './finish-watch.ts'
export { type JobFilter, type JobPage, listJobs } from './list-jobs.ts'
export { killAfter } from './lock-renewal.ts'
export { cancelJob, type JobRef, type MoveReason, promoteJob, redriveJob } from './moves.ts'
export { driveOperation, type OperationDriver, RATIO_MIN_FINISHED, startOperation } from './operations/drive.ts'
export { takeOperation } from './operations/lease.ts'
export { OPERATION_STATES, type Operation, type OperationRequest } from './operations/operation.ts'
export { pauseOperation, readOperation, resumeOperation } from './operations/record.ts'
export { countPlaces, listPlace, PLACES, type Place } from './places.ts'
export { limitQueue, pauseQueue, type QueueInfo, type QueueLimits, readQueue, resumeQueue } from './queues.ts'
export type { RunningAttempt, StopReason } from './running-attempt.ts'
export { defineScripts } from './scripts.ts'
export { type Settlement, STOP_MANNERS, type StopManner } from './settlement.ts'
export { SWEEP_EVERY_MS, sweepQueue } from './sweep.ts'
export { beat, HEARTBEAT_EVERY_MS, listWorkers, signOff, type WorkerInfo } from './workers.ts'
