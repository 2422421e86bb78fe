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
export { type Enqueued, enqueue, enqueueMany, type NewJob } from './enqueue.ts'
export { locateJob, readJob, readLog } from './find-job.ts'
export { type FinishWaiter, FinishWatch } from './finish-watch.ts'
export { type JobFilter, type JobPage, listJobs } from './list-jobs.ts'
export { cancelJob, type JobRef, type MoveReason, promoteJob, redriveJob } from './moves.ts'
export { type Operation, type OperationRequest, readOperation, startOperation } from './operations.ts'
export { countPlaces, listPlace, PLACES, type Place } from './places.ts'
export { limitQueue, pauseQueue, type QueueInfo, type QueueLimits, readQueue, resumeQueue } from './queues.ts'
export type { RunningAttempt, StopReason } from './running-attempt.ts'
export { defineScripts } from './scripts.ts'
export { type Settlement, STOP_MANNERS, type StopManner } from './settlement.ts'
export { SWEEP_EVERY_MS, sweepQueue } from './sweep.ts'
export { beat, HEARTBEAT_EVERY_MS, listWorkers, signOff, type WorkerInfo } from './workers.ts'
