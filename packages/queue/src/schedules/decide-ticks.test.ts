import { readFile } from 'node:fs/promises'
import { OVERLAPS, type OverlapPolicy } from '@foliot/jobs'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { type HeldClaim, toClaim } from '../attempts/claim.ts'
import { enqueue } from '../enqueue/enqueue.ts'
import { newJob, openTestQueues, succeed, untilStopped } from '../fixtures/test-queues.ts'
import { readStoredJob } from '../jobs/job-hash.ts'
import { cancelJob, redriveJob } from '../jobs/moves.ts'
import { endOverdue, startInTime } from '../jobs/overdue.ts'
import { bullKeys, deadlinesKey, heldTicksKey, indexKey, jobKey, lockKey, tickJobsBase } from '../keys.ts'
import { limitQueue, pauseQueue } from '../queues/queues.ts'
import { decideTicks, type TickDecision, type TickJob, type TickResult } from './decide-ticks.ts'
import { leaveHome, openSlot } from './homes.ts'
import { tickJobId } from './tick-job-id.ts'
import { readNewestUnfiredTicks, readUnfiredTicks, takeUnfiredTicks } from './unfired-ticks.ts'

// Long, because one script decides whatever becomes of a tick, and each way is asked for by the same few helpers.

const q = await openTestQueues()
const KEY = 'acme/nightly'
const T = 1_900_000_000_000
const by = { by: 'test' }

let queue = ''
let now = 0
beforeEach(() => {
  queue = q.newQueue()
  now = Date.now()
})

interface Given extends Partial<Omit<TickJob, 'envelope'>> {
  overlap?: OverlapPolicy
  token?: number
  key?: string
  deadlineAt?: number
}

function fire(tick: number, given: Given = {}, verb: 'fire' | 'release' = 'fire'): TickDecision {
  const { overlap = 'allow', token = 1, key = KEY, deadlineAt, ...job } = given
  const schedule = { id: 'nightly', scheduledFor: tick, latenessMs: 7 }
  const envelope = { version: 1, tenant: 'acme', labels: { a: 'b' }, traceparent: newJob(queue).traceparent, schedule }
  const id = tickJobId(key, tick)
  const made = { id, type: 'a.b', inputText: '{"n":1}', maxAttempts: 3, priority: 0, ...job }
  const whole = { ...made, envelope: deadlineAt === undefined ? envelope : { ...envelope, deadlineAt } }
  return { slot: 5, token, key, tick, verb, overlap, job: whole }
}

const skip = (first: number, tick: number, count: number | null, token = 1): TickDecision => {
  return { slot: 5, token, key: KEY, tick, verb: 'skip', first, count, outcome: 'missed', reason: 'late' }
}

const decide = (decisions: TickDecision[], maxDepth?: number): Promise<TickResult[]> =>
  decideTicks(q.redis, queue, decisions, { now, maxDepth })

const kinds = async (...decisions: TickDecision[]): Promise<string[]> =>
  (await decide(decisions)).map(({ kind }) => kind)

const idOf = (tick: number, key = KEY): string => tickJobId(key, tick)
const records = async () => (await readUnfiredTicks(q.redis, queue, 100)).map(({ tick }) => tick)
const waiting = () => q.redis.lrange(bullKeys(queue).wait, 0, -1)

/** What one job changes in a queue: all that its keys hold, but for what differs between any two jobs. */
async function traces(of: string, id: string): Promise<Record<string, unknown>> {
  const k = bullKeys(of)
  const { env: _, ...hash } = await q.redis.hgetall(`${k.base}${id}`)
  const events = await q.redis.xrange(k.events, '-', '+')
  return {
    hash: { ...hash, timestamp: 'now' },
    options: JSON.parse(hash.opts ?? ''),
    wait: await q.redis.llen(k.wait),
    prioritized: await q.redis.zrange(k.prioritized, '0', '-1', 'WITHSCORES'),
    marker: await q.redis.zrange(k.marker, '0', '-1', 'WITHSCORES'),
    pc: await q.redis.get(k.pc),
    events: events.map(([, fields]) => fields.map((field) => (field === id ? 'id' : field))),
  }
}

/** A job's hash, without its times. */
async function untimed(of: string, id: string): Promise<Record<string, string>> {
  const { env: _, timestamp, finishedOn, sb, sj, ...fields } = await q.redis.hgetall(jobKey(of, id))
  return fields
}

describe('decideTicks', () => {
  it.each([0, 3])('stores a job as enqueue does, with priority %i', async (priority) => {
    const other = q.newQueue()
    const input = { n: 1 }
    const { job } = await enqueue(
      q.redis,
      newJob(other, { type: 'a.b', input, inputText: JSON.stringify(input), maxAttempts: 3, priority }),
    )
    expect(await kinds(fire(T, { priority }))).toEqual(['fired'])
    const [ours, theirs] = [await traces(queue, idOf(T)), await traces(other, job.id)]
    const hide = (text: unknown, id: string) => JSON.parse(JSON.stringify(text).replaceAll(id, 'id'))
    const plain = (found: Record<string, unknown>, id: string) => {
      const { hash, ...rest } = hide(found, id)
      return { ...rest, hash: { ...hash, opts: undefined } }
    }
    expect(plain(ours, idOf(T))).toEqual(plain(theirs, job.id))
  })

  it('makes a job that a worker runs, and that knows its schedule', async () => {
    await decide([fire(T, { overlap: 'skip' })])
    expect(await q.read(queue, idOf(T))).toMatchObject({
      status: 'queued',
      input: { n: 1 },
      tenant: 'acme',
      labels: { a: 'b' },
      scheduleId: 'nightly',
      scheduledFor: new Date(T).toISOString(),
      latenessMs: 7,
    })
    const { errors } = await q.consume(queue, async () => succeed())
    await q.readWhen(queue, idOf(T), ({ status }) => status === 'succeeded')
    expect(errors).toEqual([])
    expect(await q.redis.exists(tickJobsBase(queue) + KEY)).toBe(0)
  })

  it('decides a tick once, and what is before it as well', async () => {
    expect(await kinds(fire(T), fire(T))).toEqual(['fired', 'known'])
    expect(await kinds(fire(T), fire(T - 1000), skip(T - 2000, T, 3))).toEqual(['known', 'known', 'known'])
    expect(await waiting()).toEqual([idOf(T)])
    expect(await records()).toEqual([])
    expect(await kinds(skip(T + 1000, T + 3000, 3), fire(T + 2000), fire(T + 4000))).toEqual([
      'skipped',
      'known',
      'fired',
    ])
  })

  it.each(['allow', 'skip'] as const)(
    'decides with a tick all times that it stands for, with overlap %s',
    async (overlap) => {
      const held = { ...fire(T, { overlap }), upTo: T + 5000 } as TickDecision
      expect(await kinds(held, held, fire(T + 5000, { overlap }))).toEqual(['fired', 'known', 'known'])
      const waits = { ...fire(T + 6000, { overlap: 'queue_one' }), upTo: T + 8000 } as TickDecision
      const expected = overlap === 'allow' ? ['fired', 'known'] : ['held', 'held']
      expect(await kinds(waits, waits)).toEqual(expected)
      expect(await kinds(fire(T + 8000), fire(T + 9000))).toEqual(['known', 'fired'])
    },
  )

  it('does not make a job anew that there is, when it has lost what was decided', async () => {
    await decide([fire(T)])
    await leaveHome(q.redis, queue, KEY, 'a test')
    expect(await kinds(fire(T))).toEqual(['fired'])
    expect(await waiting()).toEqual([idOf(T)])
  })

  it('keeps what was skipped for the history', async () => {
    await decide([skip(T - 5000, T, 6), skip(T + 1000, T + 9000, null)])
    const base = { tenant: 'acme', scheduleId: 'nightly', outcome: 'missed', reason: 'late', decidedAt: now }
    const [first, second] = [
      { ...base, scheduledFor: T - 5000, until: T, count: 6 },
      { ...base, scheduledFor: T + 1000, until: T + 9000, count: null },
    ]
    expect(await records()).toEqual([first, second])
    expect((await readNewestUnfiredTicks(q.redis, queue, 1)).map(({ tick }) => tick)).toEqual([second])
    const [{ place } = { place: '' }] = await readUnfiredTicks(q.redis, queue, 1)
    await takeUnfiredTicks(q.redis, queue, [place])
    expect(await records()).toEqual([second])
  })

  it('decides thousands of ticks in one step', async () => {
    const ticks = Array.from({ length: 5000 }, (_, i) => fire(T + i * 1000))
    expect(new Set((await decide(ticks)).map(({ kind }) => kind))).toEqual(new Set(['fired']))
    expect(await waiting()).toHaveLength(5000)
    expect(await q.redis.zcard(indexKey(queue))).toBe(5000)
  })

  it('refuses whoever had the slot before', async () => {
    expect(await kinds(fire(T, { token: 7 }))).toEqual(['fired'])
    expect(await openSlot(q.redis, queue, { slot: 5, token: 8 }, [KEY])).toEqual([{ decided: T, held: [] }])
    expect(await kinds(fire(T + 1000, { token: 7 }), skip(T, T + 1000, 1, 7))).toEqual(['fenced', 'fenced'])
    expect(await openSlot(q.redis, queue, { slot: 5, token: 7 }, [KEY])).toBeUndefined()
    expect(await kinds(fire(T + 1000, { token: 8 }))).toEqual(['fired'])
  })

  it('skips a tick when as many jobs wait as may', async () => {
    expect((await decide([fire(T), fire(T + 1000), fire(T + 2000)], 2)).map(({ kind }) => kind)).toEqual([
      'fired',
      'fired',
      'full',
    ])
    expect(await records()).toMatchObject(
      [{ scheduledFor: T + 2000, outcome: 'skipped', reason: /full: 2 jobs/ }].map(({ reason, ...rest }) => ({
        ...rest,
        reason: expect.stringMatching(reason),
      })),
    )
  })

  it('wakes no worker of a queue that is paused, or runs as many as it may', async () => {
    const isWoken = async () => {
      await q.redis.del(bullKeys(queue).marker)
      await decide([fire(T)])
      return (await q.redis.exists(bullKeys(queue).marker)) === 1
    }
    await pauseQueue(q.redis, queue)
    expect(await isWoken()).toBe(false)
    queue = q.newQueue()
    await limitQueue(q.redis, queue, { concurrency: 1 })
    await q.redis.lpush(bullKeys(queue).active, 'somebody')
    expect(await isWoken()).toBe(false)
    queue = q.newQueue()
    expect(await isWoken()).toBe(true)
  })

  it('gives the job its deadline', async () => {
    await decide([fire(T, { deadlineAt: now - 1 })])
    expect(await q.redis.zscore(deadlinesKey(queue), idOf(T))).toBe(String(now - 1))
    await endOverdue(q.redis, queue)
    expect(await q.read(queue, idOf(T))).toMatchObject({ status: 'timed_out' })
  })
})

describe('a job that has to start in time', () => {
  const overdue = (or: 'cancel' | 'fail', more: Given = {}) => fire(T, { startBy: { at: now - 1, or }, ...more })

  /** The first claim of the job that waits, whose worker has not asked yet whether it is in time. */
  async function claimByHand(): Promise<HeldClaim> {
    const [k, id] = [bullKeys(queue), idOf(T)]
    await q.redis.rpoplpush(k.wait, k.active)
    await q.redis.set(lockKey(queue, id), 'mine')
    await q.redis.hset(jobKey(queue, id), 'ats', 1, 'processedOn', now, 'pb', 'w1')
    return toClaim(queue, id, Object.entries(await q.redis.hgetall(jobKey(queue, id))).flat())
  }

  it.each([
    ['cancel', 'cancelled', null],
    ['fail', 'failed', { kind: 'deadline', message: 'no worker started the job in time' }],
  ] as const)('is ended by %s: %s', async (or, status, error) => {
    await decide([overdue(or, { overlap: 'skip' })])
    expect(await endOverdue(q.redis, queue)).toEqual({ ended: 1, more: false })
    const job = await q.read(queue, idOf(T))
    expect(job.status).toBe(status)
    if (error) expect(job.error).toMatchObject(error)
    else expect(job.timeline.at(-1)).toMatchObject({ event: 'cancelled', detail: expect.stringContaining('in time') })
    // It is no longer in the way of the next tick.
    expect(await kinds(fire(T + 1000, { overlap: 'skip' }))).toEqual(['fired'])
    expect(await q.redis.zcard(deadlinesKey(queue))).toBe(0)
  })

  it.each(['cancel', 'fail'] as const)(
    'is ended by %s in the same way by the worker that comes too late',
    async (or) => {
      await decide([overdue(or, { overlap: 'skip' })])
      await endOverdue(q.redis, queue)
      const [expected, ends] = [await q.read(queue, idOf(T)), await untimed(queue, idOf(T))]

      queue = q.newQueue()
      await decide([overdue(or, { overlap: 'skip' }), fire(T + 1000)])
      const ran: string[] = []
      const { consumer, errors } = await q.consume(queue, async ({ claim }) => {
        ran.push(claim.id)
        return succeed()
      })
      await q.readWhen(queue, idOf(T + 1000), ({ status }) => status === 'succeeded')
      await consumer.stop(0)
      expect(ran).toEqual([idOf(T + 1000)])
      expect(errors).toEqual([])
      // But for the number of the claim.
      const { queue: _, createdAt, finishedAt, timeline, ...job } = await q.read(queue, idOf(T))
      expect({ ...expected, attempt: 1 }).toMatchObject(job)
      expect(timeline.map(({ at, attempt, ...entry }) => entry)).toEqual(
        expected.timeline.map(({ at, ...entry }) => entry),
      )
      expect(await untimed(queue, idOf(T))).toEqual({ ...ends, ats: '1' })
      expect(await kinds(fire(T + 2000, { overlap: 'skip' }))).toEqual(['fired'])
      if (or === 'cancel') return
      // What was not started is redriven as the first time, and may start at any time then.
      await redriveJob(q.redis, { queue, id: idOf(T) }, by)
      await q.consume(queue, async () => succeed())
      expect(await q.readWhen(queue, idOf(T), ({ status }) => status === 'succeeded')).toMatchObject({ attempt: 2 })
    },
  )

  it('is not started if others look at it meanwhile, nor if the answer to its worker gets lost', async () => {
    await decide([overdue('cancel')])
    const [id, claim] = [idOf(T), await claimByHand()]
    expect(await endOverdue(q.redis, queue)).toEqual({ ended: 0, more: false })
    expect(await startInTime(q.redis, claim, 'mine')).toBeUndefined()
    const job = await q.read(queue, id)
    expect(job).toMatchObject({ status: 'cancelled', attempt: 1 })
    expect(await startInTime(q.redis, claim, 'mine')).toBeUndefined()
    expect(await q.read(queue, id)).toEqual(job)
  })

  it.each([undefined, 600_000])('is started once it was found in time, with a deadline %s ms away', async (ms) => {
    const deadlineAt = ms && now + ms
    await decide([fire(T, { startBy: { at: now + 500_000, or: 'fail' }, ...(deadlineAt && { deadlineAt }) })])
    const claim = await claimByHand()
    expect(await startInTime(q.redis, claim, 'mine')).toEqual(claim)
    const kept = deadlineAt ? [idOf(T), String(deadlineAt)] : []
    expect(await q.redis.zrange(deadlinesKey(queue), '0', '-1', 'WITHSCORES')).toEqual(kept)
    expect(await q.redis.hget(jobKey(queue, idOf(T)), 'sb')).toBeNull()
    // As when the answer got lost, and that time has come.
    const again = { ...claim, startBy: `${now - 1}:fail` }
    expect(await startInTime(q.redis, again, 'mine')).toEqual(again)
  })

  it.each([
    ['late', -1],
    ['in time', 600_000],
  ])('is cancelled by who asked for that while it was claimed, %s', async (_, ms) => {
    await decide([fire(T, { startBy: { at: now + ms, or: 'fail' } })])
    const claim = await claimByHand()
    await cancelJob(q.redis, { queue, id: idOf(T) }, { by: 'ops', reason: 'no longer wanted' })
    const request = { by: 'ops', reason: 'no longer wanted', at: expect.any(Number) }
    const started = { ...claim, startBy: expect.any(String), cancelRequest: request }
    expect(await startInTime(q.redis, claim, 'mine')).toEqual(started)
    expect(await startInTime(q.redis, claim, 'mine')).toEqual(started)
    // Its worker dies.
    await q.redis.del(lockKey(queue, idOf(T)))
    await q.redis.sadd(bullKeys(queue).stalled, idOf(T))
    await q.consume(queue, async () => succeed())
    const job = await q.readWhen(queue, idOf(T), ({ status }) => status === 'cancelled')
    expect(job.timeline.at(-1)?.detail).toContain('no longer wanted')
    expect(await q.redis.zcard(deadlinesKey(queue))).toBe(0)
  })

  it('is handed to its worker with the request to cancel it, and ends by that', async () => {
    await decide([overdue('fail')])
    const request = { by: 'ops', reason: 'no longer wanted', at: now }
    await q.redis.hset(jobKey(queue, idOf(T)), 'cx', JSON.stringify(request))
    await q.consume(queue, async ({ claim: { cancelRequest } }) =>
      cancelRequest ? { kind: 'cancelled', by: cancelRequest.by, reason: cancelRequest.reason } : succeed(),
    )
    const job = await q.readWhen(queue, idOf(T), ({ status }) => status !== 'queued' && status !== 'running')
    expect(job.status).toBe('cancelled')
    expect(job.timeline.at(-1)).toMatchObject({ event: 'cancelled', detail: 'no longer wanted' })
  })

  it.each([
    ['by who looks for it', () => endOverdue(q.redis, queue)],
    ['by the worker that comes too late', () => q.consume(queue, async () => succeed())],
  ])('has not started by a claim whose worker died: it is ended %s', async (_, end) => {
    await decide([overdue('fail')])
    await q.redis.hset(jobKey(queue, idOf(T)), 'ats', 1)
    await end()
    const job = await q.readWhen(queue, idOf(T), ({ status }) => status !== 'queued' && status !== 'running')
    expect(job).toMatchObject({ status: 'failed', error: { kind: 'deadline' } })
    expect(job.attempt).toBeGreaterThan(0)
  })

  it('is told by the clock of Redis whether it is too late', async () => {
    await decide([fire(T, { startBy: { at: now + 600_000, or: 'cancel' }, deadlineAt: now + 600_000 })])
    vi.useFakeTimers({ toFake: ['Date'], now: now + 3_600_000 })
    try {
      expect(await endOverdue(q.redis, queue)).toEqual({ ended: 0, more: false })
    } finally {
      vi.useRealTimers()
    }
  })

  it('is left alone once it has started, and kept to its deadline then', async () => {
    const deadlineAt = now + 600_000
    await decide([fire(T, { startBy: { at: now + 500_000, or: 'fail' }, deadlineAt })])
    const started = Promise.withResolvers<void>()
    const { consumer } = await q.consume(queue, async (attempt) => {
      started.resolve()
      return untilStopped(attempt)
    })
    await started.promise
    expect(await q.redis.zscore(deadlinesKey(queue), idOf(T))).toBe(String(deadlineAt))
    await consumer.stop(0)
    expect(await endOverdue(q.redis, queue)).toEqual({ ended: 0, more: false })
    expect((await q.read(queue, idOf(T))).status).toBe('queued')
  })

  it('may start at any time when it is redriven', async () => {
    await decide([overdue('fail', { overlap: 'skip' })])
    await endOverdue(q.redis, queue)
    await redriveJob(q.redis, { queue, id: idOf(T) }, by)
    expect(await endOverdue(q.redis, queue)).toEqual({ ended: 0, more: false })
    const { status, timeline } = await q.read(queue, idOf(T))
    expect(status).toBe('queued')
    expect(timeline.map(({ event }) => event)).toEqual(['created', 'failed', 'redriven'])
    // It is in the way again.
    expect(await kinds(fire(T + 1000, { overlap: 'skip' }))).toEqual(['overlapped'])
  })
})

describe('a tick while an earlier job is open', () => {
  const NAMES: Partial<Record<TickResult['kind'], string>> = { fired: 'fire', overlapped: 'skip', held: 'wait' }

  it.each(OVERLAPS)('is decided with %s as docs/schedules.md says', async (overlap) => {
    const text = await readFile(new URL('../../../../docs/schedules.md', import.meta.url), 'utf8')
    const given = { overlap }
    const cells: (string | undefined)[] = []
    const tell = async (tick: number) => {
      const [result] = await decide([fire(tick, given)])
      cells.push(NAMES[(result as TickResult).kind])
    }
    await tell(T)
    await tell(T + 1000)
    if (overlap === 'allow' || overlap === 'skip') await q.redis.hset(heldTicksKey(queue), KEY, T + 1500)
    await tell(T + 2000)
    expect(text).toMatch(
      new RegExp(`^\\| \`${overlap}\` +\\| ${cells.map((cell) => `\`${cell}\``).join('[^|]*\\| ')}[^|]*\\|`, 'm'),
    )
  })

  it('is told which jobs are open, and fires when they have ended', async () => {
    const given: Given = { overlap: 'queue_all' }
    await decide([fire(T, given)])
    expect(await decide([fire(T + 1000, given), fire(T + 2000, given)])).toEqual([
      { kind: 'held', open: [idOf(T)] },
      { kind: 'held', open: [idOf(T)] },
    ])
    expect(await openSlot(q.redis, queue, { slot: 5, token: 2 }, [KEY])).toEqual([
      { decided: T + 2000, held: [T + 1000, T + 2000] },
    ])
    const next = fire(T + 1000, { ...given, token: 2 }, 'release')
    expect(await decide([next])).toEqual([{ kind: 'held', open: [idOf(T)] }])
    await cancelJob(q.redis, { queue, id: idOf(T) }, by)
    expect(await kinds(next, next)).toEqual(['fired', 'known'])
    // One after the other.
    const last = fire(T + 2000, { ...given, token: 2 }, 'release')
    expect(await decide([last])).toEqual([{ kind: 'held', open: [idOf(T + 1000)] }])
    await cancelJob(q.redis, { queue, id: idOf(T + 1000) }, by)
    expect(await kinds(last)).toEqual(['fired'])
    expect(await q.redis.hlen(heldTicksKey(queue))).toBe(0)
    expect(await records()).toEqual([])
  })

  it('is told to wait also when it is asked about again, because the answer got lost', async () => {
    const given: Given = { overlap: 'queue_one' }
    await decide([fire(T, given), fire(T + 1000, given)])
    expect(await decide([fire(T + 1000, given)])).toEqual([{ kind: 'held', open: [idOf(T)] }])
    expect(await kinds(fire(T, given))).toEqual(['known'])
    expect(await q.redis.hget(heldTicksKey(queue), KEY)).toBe(String(T + 1000))
  })

  it('waits for however many open jobs, of which some are told', async () => {
    const open = Array.from({ length: 9000 }, (_, i) => idOf(T - i))
    const jobs = q.redis.pipeline()
    for (const id of open) jobs.hset(`${bullKeys(queue).base}${id}`, 'timestamp', 1).sadd(tickJobsBase(queue) + KEY, id)
    await jobs.exec()
    const [result] = await decide([fire(T + 1000, { overlap: 'queue_one' })])
    expect(result).toMatchObject({ kind: 'held', open: { length: 100 } })
  })

  it('is written down if it still waits when its schedule leaves', async () => {
    const given: Given = { overlap: 'queue_all' }
    await decide([fire(T, given), fire(T + 1000, given), fire(T + 2000, given)])
    await leaveHome(q.redis, queue, KEY, 'the schedule was deleted')
    expect((await records()).map(({ scheduledFor, reason }) => [scheduledFor, reason])).toEqual([
      [T + 1000, 'the schedule was deleted'],
      [T + 2000, 'the schedule was deleted'],
    ])
    expect(await openSlot(q.redis, queue, { slot: 5, token: 1 }, [KEY])).toEqual([{ decided: undefined, held: [] }])
  })

  it('takes the place of one that waits, when what runs is cancelled', async () => {
    const given: Given = { overlap: 'cancel_running' }
    await decide([fire(T, given), fire(T + 1000, given), fire(T + 2000, given)])
    expect(await openSlot(q.redis, queue, { slot: 5, token: 1 }, [KEY])).toMatchObject([{ held: [T + 2000] }])
    expect(await records()).toMatchObject([{ scheduledFor: T + 1000, outcome: 'skipped' }])
  })

  it('is not held up by a job that was deleted by hand', async () => {
    await decide([fire(T, { overlap: 'skip' })])
    await q.redis.del(`${bullKeys(queue).base}${idOf(T)}`)
    expect(await kinds(fire(T + 1000, { overlap: 'skip' }))).toEqual(['fired'])
  })

  it('is skipped while the job waits for its retry', async () => {
    await decide([fire(T, { overlap: 'skip' })])
    const { consumer } = await q.consume(queue, async () => ({ kind: 'snoozed', delayMs: 60_000, reason: 'r' }))
    await q.readWhen(queue, idOf(T), ({ attempt, status }) => attempt === 1 && status === 'scheduled')
    expect(await kinds(fire(T + 1000, { overlap: 'skip' }))).toEqual(['overlapped'])
    expect((await readStoredJob(q.redis, queue, idOf(T)))?.fields.sj).toBe(tickJobsBase(queue) + KEY)
    await consumer.stop(0)
  })
})
