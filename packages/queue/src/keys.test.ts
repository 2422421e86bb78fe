import { newJobId } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { projectAccess } from './access/projection.ts'
import { Consumer } from './attempts/consumer.ts'
import { beginAudit, endAudit } from './audit/audit-stream.ts'
import { takeTokens } from './enqueue/take-tokens.ts'
import { discardJobs } from './fixtures/dead-letters.ts'
import { dead, guarded, openTestQueues, retry, succeed } from './fixtures/test-queues.ts'
import { cancelJob, promoteJob, redriveJob } from './jobs/moves.ts'
import { sweepQueue } from './jobs/sweep.ts'
import * as keys from './keys.ts'
import { startOperation } from './operations/drive.ts'
import { holdOutbox, readOutbox, takeFromOutbox } from './outbox/outbox.ts'
import { sayRecording } from './outbox/recording.ts'
import { announce } from './queues/catalog.ts'
import { limitQueue, pauseQueue, resumeQueue } from './queues/queues.ts'
import { beat } from './queues/workers.ts'
import { decideTicks } from './schedules/decide-ticks.ts'
import { holdWatch, sayWatched, tellFindings } from './schedules/findings.ts'
import { writeHomes } from './schedules/homes.ts'
import { projectSchedules, sayProjected } from './schedules/projection.ts'
import { holdSlots, slotOf } from './schedules/slots.ts'

const q = await openTestQueues()
const by = { by: 'test' }

/** Everything that the package can do to a queue, but for what needs a process to die. */
async function useEverything(queue: string): Promise<void> {
  const add = async (job: Parameters<typeof q.add>[1] = {}) => (await q.add(queue, job)).id
  await announce(q.redis, [{ name: 'a.b', version: 1, queue } as never])
  await beat(q.redis, { id: 'w1' } as never)
  await projectAccess(q.redis, 1, '{}')
  await limitQueue(q.redis, queue, { concurrency: 50, rateLimit: { max: 1000, perMs: 60_000 }, maxDepth: 1000 })
  const ids = {
    done: await add({
      idempotency: { key: 'a', fingerprint: 'b' },
      dedupe: { key: 'c' },
      maxDepth: 1000,
      tenantQuota: 1000,
    }),
    dead: await add({ input: 'dead', tenantQuota: 1000 }),
    unkept: await add({ input: 'dead' }),
    unrecorded: await add({ input: 'dead' }),
    retried: await add({ input: 'retry', priority: 3, deadlineAt: Date.now() + 600_000 }),
    snoozed: await add({ input: 'snooze' }),
    promoted: await add({ runAt: Date.now() + 60_000 }),
    cancelled: await add({ runAt: Date.now() + 60_000, priority: 2 }),
    broken: await add(),
  }
  await q.redis.hset(keys.jobKey(queue, ids.broken), 'data', '{')
  const errors: Error[] = []
  const consumer = new Consumer({
    queue,
    concurrency: 3,
    worker: 'w1',
    redis: q.redis,
    onError: (error) => void errors.push(error),
    run: guarded(async (attempt) => {
      attempt.log('a line')
      await Promise.all([attempt.progress('1'), attempt.flushLog()])
      const { input } = attempt.claim
      if (input === 'dead') return dead('no')
      if (input === 'retry') return retry(60_000)
      return input === 'snooze' ? { kind: 'snoozed', delayMs: 60_000, reason: 'r' } : succeed()
    }),
  })
  await consumer.start()
  await promoteJob(q.redis, { queue, id: ids.promoted }, by)
  await cancelJob(q.redis, { queue, id: ids.cancelled }, by)
  await q.readWhen(queue, ids.dead, ({ status }) => status === 'failed')
  await redriveJob(q.redis, { queue, id: ids.dead }, by)
  await q.readWhen(queue, ids.dead, ({ status, attempt }) => status === 'failed' && attempt === 2)
  await pauseQueue(q.redis, queue)
  const filter = { queues: [queue], ids: new Set([ids.dead]) }
  const request = { kind: 'redrive', filter, dryRun: false, reason: by } as const
  await (await startOperation(q.redis, request, { owner: 'test' })).finished
  await resumeQueue(q.redis, queue)
  await q.readWhen(queue, ids.dead, ({ status, attempt }) => status === 'failed' && attempt === 3)
  await discardJobs(q.redis, queue, [ids.dead], by)
  await sweepQueue(q.redis, queue)
  await takeTokens(q.redis, 'acme', { max: 10, perMs: 60_000 }, 1)
  for (const id of [ids.done, ids.promoted]) await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
  for (const id of [ids.unkept, ids.unrecorded]) await q.readWhen(queue, id, ({ status }) => status === 'failed')
  for (const id of [ids.retried, ids.snoozed])
    await q.readWhen(queue, id, ({ nextAttemptAt }) => nextAttemptAt !== undefined)
  for (const job of [{}, { priority: 1 }]) await add(job)
  await consumer.stop(0)
  await useSchedules(queue)
  await sayRecording(q.redis)
  await holdOutbox(q.redis, queue, 'r1', 60_000)
  const finished = await readOutbox(q.redis, queue, 100)
  const isOf = (id: string) => finished.filter((entry) => entry.id === id)
  const unkept = [...isOf(ids.promoted), ...isOf(ids.unkept)]
  await takeFromOutbox(q.redis, queue, { taken: isOf(ids.done), unkept })
  const entry = { id: newJobId(Date.now()), action: 'queue.pause' } as never as Parameters<typeof beginAudit>[1]
  const place = await beginAudit(q.redis, entry, { isRecorded: true })
  await endAudit(q.redis, { begin: entry, place }, { status: 200 } as never)
  expect(errors).toEqual([])
}

/** Ticks of each kind. */
async function useSchedules(queue: string): Promise<void> {
  const change = { tenant: 'acme', revision: 1, at: 1, value: {} as never }
  await projectSchedules(q.redis, [
    { ...change, kind: 'schedule', id: 's' },
    { ...change, kind: 'calendar', id: 'c' },
  ])
  await sayProjected(q.redis, 1)
  await holdSlots(q.redis, { scheduler: 'a', ttlMs: 60_000, wanted: [1], unwanted: [] })
  await writeHomes(q.redis, slotOf('acme/s'), new Map([['acme/s', { queue, since: 0 }]]))
  const tick = { slot: 1, token: 1, key: 'acme/s' }
  const envelope = { version: 1, tenant: 'acme', labels: {}, traceparent: '' }
  const job = { id: newJobId(1), type: 'a.b', inputText: '{', maxAttempts: 1, priority: 0, envelope }
  const decisions = [
    { ...tick, tick: 1, verb: 'skip', first: 1, count: 1, outcome: 'missed', reason: 'late' },
    { ...tick, tick: 2, verb: 'fire', overlap: 'queue_all', job },
    { ...tick, tick: 3, verb: 'fire', overlap: 'queue_all', job: { ...job, id: newJobId(1) } },
  ] as const
  await decideTicks(q.redis, queue, decisions, { now: Date.now(), maxDepth: undefined })
  await holdWatch(q.redis, 'r1', 60_000)
  await tellFindings(q.redis, { raised: [{ kind: 'schedulers_silent', since: 1, reason: 'r' }], recovered: [] })
  await sayWatched(q.redis, { at: 1 })
}

const UUID = '[0-9a-f]{8}-[0-9a-f-]{27}'

describe('the keys of a database that everything was done to', () => {
  it('are BullMQ’s and those of keys.ts, and no others; ours with a TTL or an owner', async () => {
    const queue = 'every.thing-1'
    await useEverything(queue)
    const all = await q.redis.keys('*')
    const bull = all.filter((key) => key.startsWith(keys.bullBase(queue)))
    const ours = all.filter((key) => key.startsWith('foliot-x:'))
    expect(all.filter((key) => !bull.includes(key) && !ours.includes(key))).toEqual([])

    // What BullMQ itself keeps of a queue and of a job.
    const { base, ...places } = keys.bullKeys(queue)
    const ofQueue = [...Object.values(places), `${base}stalled-check`]
    const ofJob = new RegExp(`^${UUID}(:lock|:logs)?$`)
    expect(bull.filter((key) => !ofQueue.includes(key) && !ofJob.test(key.slice(base.length)))).toEqual([])

    const owned = [
      keys.catalogKey,
      keys.catalogSeenKey,
      keys.catalogRevisionKey,
      keys.queuesKey,
      keys.depthLimitsKey,
      keys.accessSnapshotKey,
      keys.accessRevisionKey,
      keys.workersKey,
      keys.operationLeasesKey,
      keys.auditKey,
      keys.auditOutcomesKey,
      keys.deadlinesKey(queue),
      keys.indexKey(queue),
      keys.unrecordedKey(queue),
      keys.unkeptKey(queue),
      keys.unkeptDeadKey(queue),
      keys.takenKey(queue),
      keys.takenOfKey(queue),
      ...ofSchedules(queue),
    ]
    const withTtl = [
      [keys.idempotencyKey(queue, '*'), 1],
      [keys.sweepLeaseKey(queue), 1],
      [keys.recordingKey, 1],
      [keys.enqueueBucketKey('acme', { max: 10, perMs: 60_000 }), 1],
      [keys.takesKey(queue), 1],
      [keys.recorderLeaseKey(queue), 1],
      [keys.watchLeaseKey, 1],
      [keys.recoveredKey(queue), 1],
      [keys.workerKey('w1'), 1],
      // A redrive and a discard.
      [keys.operationKey('*'), 2],
      // What each has done in the queue, and the jobs that one has redriven there.
      [keys.operationPartKey(queue, '*'), 3],
    ] as const
    expect(ours.filter((key) => owned.includes(key)).sort()).toEqual([...owned].sort())
    let found = owned.length
    for (const [pattern, count] of withTtl) {
      const matching = await q.redis.keys(pattern)
      expect([pattern, matching.length]).toEqual([pattern, count])
      for (const key of matching)
        expect([key, await q.redis.pttl(key)]).toEqual([key, expect.toSatisfy((ms) => ms > 0)])
      found += matching.length
    }
    expect(ours).toHaveLength(found)
  })
})

const ofTicks = (queue: string): string[] => [
  keys.ticksKey(queue),
  keys.tickFencesKey(queue),
  keys.heldTicksKey(queue),
  keys.unfiredTicksKey(queue),
  `${keys.tickJobsBase(queue)}acme/s`,
]

const ofSchedules = (queue: string): string[] => [
  ...ofTicks(queue),
  keys.scheduleSlotKey(slotOf('acme/s')),
  keys.scheduleHomesKey(slotOf('acme/s')),
  keys.calendarsKey,
  keys.scheduleChangesKey,
  keys.schedulesEpochKey,
  keys.schedulesRevisionKey,
  keys.slotLeasesKey,
  keys.schedulersKey,
  keys.findingsKey,
  keys.findingOrderKey,
  keys.scheduleEventsKey,
  keys.watchedKey,
]

describe('keys.ts', () => {
  const queue = 'a.b-c_d'
  const made = {
    ofQueue: [
      ...Object.values(keys.bullKeys(queue)),
      keys.jobKey(queue, 'id'),
      keys.lockKey(queue, 'id'),
      keys.logsKey(queue, 'id'),
      keys.dedupeKey(queue, 'digest'),
      keys.idempotencyKey(queue, 'digest'),
      keys.sweepLeaseKey(queue),
      keys.recoveredKey(queue),
      keys.deadlinesKey(queue),
      keys.indexKey(queue),
      keys.unrecordedKey(queue),
      keys.unkeptKey(queue),
      keys.unkeptDeadKey(queue),
      keys.recorderLeaseKey(queue),
      keys.takenKey(queue),
      keys.takenOfKey(queue),
      keys.openJobsKey(queue, 'acme'),
      keys.takesKey(queue),
      keys.brokenBase(queue),
      keys.operationPartKey(queue, 'id'),
      keys.operationUnfinishedKey(queue, 'id'),
      ...ofTicks(queue),
    ],
    ours: [
      ...ofSchedules(queue),
      keys.scheduleSlotBase,
      keys.watchLeaseKey,
      keys.idempotencyKey(queue, 'digest'),
      keys.sweepLeaseKey(queue),
      keys.recoveredKey(queue),
      keys.deadlinesKey(queue),
      keys.indexKey(queue),
      keys.unrecordedKey(queue),
      keys.unkeptKey(queue),
      keys.unkeptDeadKey(queue),
      keys.recorderLeaseKey(queue),
      keys.takenKey(queue),
      keys.takenOfKey(queue),
      keys.openJobsKey(queue, 'acme'),
      keys.enqueueBucketKey('acme', { max: 10, perMs: 60_000 }),
      keys.takesKey(queue),
      keys.recordingKey,
      keys.brokenBase(queue),
      keys.cancelChannel,
      keys.catalogKey,
      keys.catalogSeenKey,
      keys.catalogRevisionKey,
      keys.queuesKey,
      keys.depthLimitsKey,
      keys.accessSnapshotKey,
      keys.accessRevisionKey,
      keys.diskMarkKey,
      keys.writeProbeKey,
      keys.workersKey,
      keys.workerKey('w'),
      keys.operationBase,
      keys.operationKey(newJobId(Date.now())),
      keys.operationLeasesKey,
      keys.operationPartKey(queue, 'id'),
      keys.operationUnfinishedKey(queue, 'id'),
      keys.auditKey,
      keys.auditOutcomesKey,
    ],
  }

  it('keeps all keys of a queue in one slot', () => {
    for (const key of made.ofQueue) expect(key.match(/\{([^}]*)\}/)?.[1]).toBe(queue)
  })

  it('puts nothing of ours into BullMQ’s space', () => {
    for (const key of made.ours) expect(key.startsWith('foliot-x:')).toBe(true)
    expect(keys.bullBase(queue)).toBe('foliot:{a.b-c_d}:')
    expect(`${keys.PREFIX}:${keys.bullName(queue)}:`).toBe(keys.bullBase(queue))
  })

  it('makes no two keys alike', () => {
    expect(new Set(made.ours).size).toBe(made.ours.length)
    expect(keys.bullKeys(queue)).not.toEqual(keys.bullKeys('other'))
    expect(keys.idempotencyKey(queue, 'a')).not.toBe(keys.idempotencyKey('other', 'a'))
  })

  it('has each of our keys above: a new one needs its place there', () => {
    const bull = ['PREFIX', 'bullName', 'bullBase', 'bullKeys', 'jobKey', 'lockKey', 'logsKey', 'dedupeKey']
    expect(Object.keys(keys).filter((name) => !bull.includes(name))).toHaveLength(made.ours.length)
  })
})
