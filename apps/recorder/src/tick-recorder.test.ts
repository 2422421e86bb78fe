import { searchTicks } from '@foliot/history'
import type { UnfiredTick } from '@foliot/jobs'
import { readUnfiredTicks } from '@foliot/queue'
import { startPostgres, waitUntil } from '@foliot/testkit'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { openTestBed, type TestBed } from './fixtures/test-bed.ts'

const OF = { tenant: 'acme', scheduleId: 'nightly' }

/** Writes a record as a scheduler does. */
async function skip({ redis }: TestBed, queue: string, n: number, other: Partial<UnfiredTick> = {}) {
  const tick: UnfiredTick = {
    ...OF,
    scheduledFor: n * 1000,
    until: n * 1000,
    count: 1,
    outcome: 'skipped',
    reason: 'paused',
    decidedAt: Date.now(),
    ...other,
  }
  const fields = {
    k: `${tick.tenant}/${tick.scheduleId}`,
    from: tick.scheduledFor,
    to: tick.until,
    n: tick.count ?? '',
    o: tick.outcome,
    r: tick.reason,
    at: tick.decidedAt,
  }
  await redis.xadd(`foliot-x:{${queue}}:ticks-unfired`, '*', ...Object.entries(fields).flat())
  return tick
}

/** What the history has, the newest first; nothing while there is no table yet. */
const recorded = ({ db }: TestBed): Promise<UnfiredTick[]> => searchTicks(db, OF, 10_000).catch(() => [])

const untilTaken = ({ redis }: TestBed, queue: string, left = 0): Promise<unknown> =>
  waitUntil(async () => (await readUnfiredTicks(redis, queue, 10_000)).length === left, {
    timeoutMs: 30_000,
    what: `${left} ticks in Redis`,
  })

it('takes ticks without a job into the history, and removes them from Redis', async () => {
  const bed = await openTestBed()
  const [one, two] = [await bed.newQueue(), await bed.newQueue()]
  const ticks = [
    await skip(bed, one, 1),
    await skip(bed, two, 2, { until: 5000, count: null, outcome: 'missed' }),
    // Of a type that nobody has announced.
    await skip(bed, 'default', 6, { reason: 'no worker has announced demo.none' }),
  ]
  await bed.startRecorder()
  for (const queue of [one, two, 'default']) await untilTaken(bed, queue)
  expect(await recorded(bed)).toEqual(ticks.toReversed())
})

it('takes many, with two recorders and one that is killed, each once', async () => {
  const bed = await openTestBed()
  const queue = await bed.newQueue()
  const ticks: UnfiredTick[] = []
  for (let n = 1; n <= 1_200; n++) ticks.push(await skip(bed, queue, n))
  const killed = await bed.startRecorder()
  await waitUntil(async () => (await recorded(bed)).length > 0, { timeoutMs: 30_000 })
  await killed.kill()
  await Promise.all([bed.startRecorder(), bed.startRecorder()])
  await untilTaken(bed, queue)
  expect(await recorded(bed)).toEqual(ticks.toReversed())
})

it('goes on when PostgreSQL is back, with all that was decided meanwhile', async () => {
  const server = await startPostgres()
  const bed = await openTestBed({ databaseUrl: server.url })
  const queue = await bed.newQueue()
  const ticks = [await skip(bed, queue, 1)]
  const recorder = await bed.startRecorder()
  await untilTaken(bed, queue)
  await server.kill()
  ticks.push(await skip(bed, queue, 2))
  await recorder.waitForLine(({ json }) =>
    /^what became of ticks without a job stays in Redis .* PostgreSQL cannot be reached/.test(String(json?.msg)),
  )
  await startPostgres({ dir: server.dir, port: server.port })
  await untilTaken(bed, queue)
  await recorder.waitForLine(({ json }) => json?.msg === 'what became of ticks without a job is being recorded again')
  expect(await recorded(bed)).toEqual(ticks.toReversed())
})

it('leaves what it cannot keep where it is, says so once, and takes the others', async () => {
  const bed = await openTestBed()
  const queue = await bed.newQueue()
  await skip(bed, queue, 1, { decidedAt: Number.NaN })
  const ticks = [await skip(bed, queue, 2)]
  const recorder = await bed.startRecorder()
  await untilTaken(bed, queue, 1)
  ticks.push(await skip(bed, queue, 3))
  await untilTaken(bed, queue, 1)
  expect(await recorded(bed)).toEqual(ticks.toReversed())
  const told = recorder.lines.filter(({ json }) => /a tick that the history can keep/.test(String(json?.msg)))
  expect(told).toHaveLength(1)
})

it('drops what is older than FOLIOT_HISTORY_DAYS', async () => {
  const bed = await openTestBed()
  const queue = await bed.newQueue()
  await skip(bed, queue, 1)
  const first = await bed.startRecorder()
  await untilTaken(bed, queue)
  await first.stop()
  await sql`
    insert into foliot.ticks
    select tenant, schedule_id, scheduled_for + interval '1 s', until, count, outcome, reason, decided_at - interval '3 days'
    from foliot.ticks`.execute(bed.db)
  const recorder = await bed.startRecorder({ FOLIOT_HISTORY_DAYS: '2' })
  // Nothing is to be taken, and a recorder looks after what is old all the same.
  await recorder.waitForLine(({ json }) => json?.ticks === 1)
  expect(await recorded(bed)).toHaveLength(1)
})
