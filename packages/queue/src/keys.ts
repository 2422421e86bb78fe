/**
 * Every Redis key, one function each. BullMQ's keys stand under `foliot:{queue}:`, ours under `foliot-x:`, never among
 * BullMQ's: its clean-up scripts scan their own space. The queue's name is the hash tag, so that all keys of a queue
 * share a slot of a cluster.
 */

/** BullMQ's `prefix` option. */
export const PREFIX = 'foliot'

/** The name under which BullMQ knows a queue: with the braces that make it the hash tag. */
export const bullName = (queue: string): string => `{${queue}}`

/** What every key of a queue in BullMQ's space begins with; followed by a job's id it is that job's hash. */
export const bullBase = (queue: string): string => `${PREFIX}:{${queue}}:`

/** Keys that BullMQ owns, as far as we read or move jobs between them. */
export interface BullKeys {
  /** Hash of a job: `base + id`; its lock: `base + id + ':lock'`; its log lines: `base + id + ':logs'`. */
  readonly base: string
  /** LIST, next job at the right end */
  readonly wait: string
  /** LIST, unused since BullMQ 6 but still a parameter of its scripts */
  readonly paused: string
  /** LIST */
  readonly active: string
  /** ZSET by priority and order of arrival */
  readonly prioritized: string
  /** ZSET by due time in ms x 4096 */
  readonly delayed: string
  /** ZSET by time of finishing in ms */
  readonly completed: string
  /** ZSET by time of finishing in ms: the dead letters */
  readonly failed: string
  /** HASH: paused, concurrency, max, duration */
  readonly meta: string
  /** STREAM, trimmed: a wake-up, not a record */
  readonly events: string
  /** ZSET that idle workers block on */
  readonly marker: string
  /** STRING: counter behind the scores of `prioritized` */
  readonly pc: string
  /** STRING: how many jobs plain BullMQ has added, which numbers them by it */
  readonly id: string
  /** SET: jobs that ran at the last check for stalled ones and whose locks were not renewed since */
  readonly stalled: string
  /** STRING with a TTL: how many were taken in this period of a rate limit */
  readonly limiter: string
}

const cache = new Map<string, BullKeys>()

export function bullKeys(queue: string): BullKeys {
  let keys = cache.get(queue)
  if (!keys) {
    const base = bullBase(queue)
    keys = Object.freeze({
      base,
      wait: `${base}wait`,
      paused: `${base}paused`,
      active: `${base}active`,
      prioritized: `${base}prioritized`,
      delayed: `${base}delayed`,
      completed: `${base}completed`,
      failed: `${base}failed`,
      meta: `${base}meta`,
      events: `${base}events`,
      marker: `${base}marker`,
      pc: `${base}pc`,
      id: `${base}id`,
      stalled: `${base}stalled`,
      limiter: `${base}limiter`,
    })
    cache.set(queue, keys)
  }
  return keys
}

export const jobKey = (queue: string, id: string): string => `${bullBase(queue)}${id}`
export const lockKey = (queue: string, id: string): string => `${bullBase(queue)}${id}:lock`
export const logsKey = (queue: string, id: string): string => `${bullBase(queue)}${id}:logs`

/**
 * HASH with a TTL: the first request made under an idempotency key (`id` of its job, `fp` fingerprint, `at` ms) and, once
 * that job has ended, how (fields named as in the job's hash). `digest` is ours, never a user's text.
 */
export const idempotencyKey = (queue: string, digest: string): string => `foliot-x:{${queue}}:idem:${digest}`

/**
 * STRING: id of the one live job under a `dedupe` key. It is BullMQ's: its scripts write it, and delete it with the end or
 * the removal of the job.
 */
export const dedupeKey = (queue: string, digest: string): string => `${bullBase(queue)}de:${digest}`

/**
 * ZSET job id → when it has to have ended (ms), for jobs with a deadline that have not. One that is found running then is
 * looked at again a little later. Whatever ends a job removes it; one that was deleted leaves it when it is due.
 */
export const deadlinesKey = (queue: string): string => `foliot-x:{${queue}}:deadlines`

/**
 * SET of ids: jobs of a tenant that have not ended, of those that were enqueued while it had a quota. Whatever ends a job removes
 * it; one that was deleted by hand is dropped by the next job that finds the set full.
 */
export const openJobsKey = (queue: string, tenant: string): string => `foliot-x:{${queue}}:open:${tenant}`

/**
 * ZSET job id → when it was made (ms), for every job of ours that is in Redis, but for dead letters that are in the history as
 * they are: lists go by it. Whatever removes a job removes it; an entry whose job is gone is dropped by the list that meets it.
 */
export const indexKey = (queue: string): string => `foliot-x:{${queue}}:jobs`

/**
 * ZSET job id → when it ended (ms), for dead letters that are not in the history as they are now. A redrive or a discard removes
 * one, the recorder those that it took and those that left Redis; without a recorder there are no more than dead letters.
 */
export const unrecordedKey = (queue: string): string => `foliot-x:{${queue}}:unrecorded`

/**
 * ZSET job id → when it ended (ms), for finished jobs that the recorder was told not to keep. They are out of `completed`, where
 * they would stand before the others; the recorder removes those that are past their time.
 */
export const unkeptKey = (queue: string): string => `foliot-x:{${queue}}:unkept`

/**
 * ZSET job id → when it ended (ms), for dead letters that the recorder was told not to keep: lists have them from here. What moves
 * one removes it; the recorder removes those that have left Redis.
 */
export const unkeptDeadKey = (queue: string): string => `foliot-x:{${queue}}:unkept-dead`

/** What keys of any type with a TTL begin with, followed by a job's id: what was found where its hash should be. */
export const brokenBase = (queue: string): string => `foliot-x:{${queue}}:broken:`

/** STRING with a TTL: when this queue was last searched for jobs of dead workers, in ms since 1970 by Redis' clock. */
export const recoveredKey = (queue: string): string => `foliot-x:{${queue}}:recovered`

/** STRING with a TTL: who sweeps this queue's finished jobs. */
export const sweepLeaseKey = (queue: string): string => `foliot-x:{${queue}}:sweep`

/** STRING: how many finished jobs the history was given, ever. Who drops the queue deletes it. */
export const takenKey = (queue: string): string => `foliot-x:{${queue}}:taken`

/** HASH tenant → how many finished jobs of it the history was given, ever. Who drops the queue deletes it. */
export const takenOfKey = (queue: string): string => `foliot-x:{${queue}}:taken-of`

/** LIST with a TTL: when jobs were last taken, and how many, as `ms:count`. With what is still there it tells how fast jobs end. */
export const takesKey = (queue: string): string => `foliot-x:{${queue}}:takes`

/** STRING with a TTL: who takes what finished in this queue into the history. */
export const recorderLeaseKey = (queue: string): string => `foliot-x:{${queue}}:recorder`

/** STRING with a TTL: there is a recorder, so finished jobs stay until it has taken them. */
export const recordingKey = 'foliot-x:{history}:recording'

/** HASH job type → its description as JSON. Entries nobody announced for a week are deleted by the next announcement. */
export const catalogKey = 'foliot-x:{catalog}:types'

/** ZSET job type → when it was last announced (ms). Lives and dies with the entries of `catalogKey`. */
export const catalogSeenKey = 'foliot-x:{catalog}:seen'

/** CHANNEL: requests to end running jobs, as JSON. A message may get lost: the field `cx` of the job's hash is the truth. */
export const cancelChannel = 'foliot-x:{cancel}:requests'

/** STRING: when the catalog was last changed. Differs after every change. */
export const catalogRevisionKey = 'foliot-x:{catalog}:revision'

/** ZSET queue → when it was last announced (ms). One that nobody announced for a week is dropped once it is empty. */
export const queuesKey = 'foliot-x:{catalog}:queues'

/** HASH queue → how many jobs may wait in it (`maxDepth`). Who lifts the limit deletes the field. */
export const depthLimitsKey = 'foliot-x:{catalog}:depth-limits'

/**
 * HASH with a TTL: how many jobs a tenant may still enqueue (`left`), as of when (`at`, ms by Redis' clock). Another rate begins
 * with a full one.
 */
export const enqueueBucketKey = (tenant: string, { max, perMs }: { max: number; perMs: number }): string =>
  `foliot-x:{tenants}:enqueue:${tenant}:${max}:${perMs}`

/** STRING: who may do what, as JSON: keys, without their secrets, and the limits of tenants. PostgreSQL's is the truth. */
export const accessSnapshotKey = 'foliot-x:{access}:snapshot'

/** STRING: the revision of `accessSnapshotKey`, a number that grows. Written with it. */
export const accessRevisionKey = 'foliot-x:{access}:revision'

/** STRING with a TTL: written last before the disk is waited for. */
export const diskMarkKey = 'foliot-x:{disk}:mark'

/** Nothing is ever there: by what a write to it would meet it is seen whether Redis takes writes. */
export const writeProbeKey = 'foliot-x:{probe}:write'

/** ZSET worker id → its last heartbeat (ms). Dead workers are dropped by the next heartbeat of a live one. */
export const workersKey = 'foliot-x:{workers}:beats'

/** STRING with a TTL: what a worker says of itself, as JSON. */
export const workerKey = (id: string): string => `foliot-x:{workers}:worker:${id}`

/** What keys of operations begin with, followed by an id. */
export const operationBase = 'foliot-x:{operations}:op:'

/** HASH with a TTL: a bulk move of dead letters: what was asked for, its state, who drives it. */
export const operationKey = (id: string): string => `${operationBase}${id}`

/** ZSET operation id → when its lease ends (ms, by Redis' clock). Who finds nothing more to do in one removes it. */
export const operationLeasesKey = 'foliot-x:{operations}:leases'

/** HASH with a TTL: how far an operation has come in one queue. It lies with the queue: moving jobs and counting them is one step. */
export const operationPartKey = (queue: string, id: string): string => `foliot-x:{${queue}}:op:${id}`

/** LIST with a TTL: jobs that an operation has redriven and that have not been seen to end since. */
export const operationUnfinishedKey = (queue: string, id: string): string => `foliot-x:{${queue}}:op:${id}:unfinished`

/**
 * STREAM: who is about to change something, or did: fields `id` and `begin`, or `end` for an outcome that came after its entry
 * had left. The recorder removes what it took; without one there are 100 000 at most.
 */
export const auditKey = 'foliot-x:{audit}:entries'

/** HASH id of an audit entry → what became of it, as JSON. Lives and dies with the entry. */
export const auditOutcomesKey = 'foliot-x:{audit}:outcomes'

/** HASH schedule → the tick that was decided last (ms, as planned). A tick up to there is never decided again. */
export const ticksKey = (queue: string): string => `foliot-x:{${queue}}:ticks`

/** HASH slot → the token of who decides the ticks of its schedules here. A lower one decides nothing more. */
export const tickFencesKey = (queue: string): string => `foliot-x:{${queue}}:tick-fences`

/** HASH schedule → its ticks that wait for an earlier job to end, ascending (ms, as planned, with commas between). */
export const heldTicksKey = (queue: string): string => `foliot-x:{${queue}}:ticks-held`

/** STREAM, trimmed: ticks without a job, and why. The recorder removes what it took. */
export const unfiredTicksKey = (queue: string): string => `foliot-x:{${queue}}:ticks-unfired`

/** What keys of the open jobs of a schedule begin with, followed by the schedule. */
export const tickJobsBase = (queue: string): string => `foliot-x:{${queue}}:tick-jobs:`

/** What keys of the definitions of a slot begin with: HASH schedule → its revision, definition and earlier versions. */
export const scheduleSlotBase = 'foliot-x:{schedules}:slot:'

export const scheduleSlotKey = (slot: number): string => `${scheduleSlotBase}${slot}`

/** HASH schedule → the queue in whose keys its ticks are decided, and since when (ms). Goes with its schedule. */
export const scheduleHomesKey = (slot: number): string => `foliot-x:{schedules}:homes:${slot}`

/** HASH calendar → its revision and definition. */
export const calendarsKey = 'foliot-x:{schedules}:calendars'

/** STREAM, trimmed: which definitions have changed. Who has missed some reads them all again. */
export const scheduleChangesKey = 'foliot-x:{schedules}:changes'

/** STRING: when the definitions in Redis were begun (ms). They were lost if it is gone, or another. */
export const schedulesEpochKey = 'foliot-x:{schedules}:epoch'

/** STRING: up to which revision all definitions are in Redis. */
export const schedulesRevisionKey = 'foliot-x:{schedules}:revision'

/** HASH slot → who has it, its token, and until when (ms by Redis' clock). */
export const slotLeasesKey = 'foliot-x:{schedules}:leases'

/** ZSET scheduler → when it was last heard of (ms). Silent ones are dropped by the others. */
export const schedulersKey = 'foliot-x:{schedules}:schedulers'

/**
 * HASH kind and schedule → what did not happen that should have, as JSON. The watchdog removes what is mended, and what was
 * deleted or paused.
 */
export const findingsKey = 'foliot-x:{schedules}:findings'

/** ZSET of the fields of that hash, each behind its time, so that they are read in pages: the oldest first. All scores are 0. */
export const findingOrderKey = 'foliot-x:{schedules}:findings:order'

/** STREAM, trimmed: findings that came and went. */
export const scheduleEventsKey = 'foliot-x:{schedules}:events'

/** STRING: when the watchdog last had looked at all schedules, as JSON. Each look overwrites it. */
export const watchedKey = 'foliot-x:{schedules}:watched'

/** STRING with a TTL: who watches for what did not happen. */
export const watchLeaseKey = 'foliot-x:{schedules}:watch'
