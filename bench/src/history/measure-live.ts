import { keepPartitions, migrate } from '@foliot/history'
import { measureOutboxes } from '@foliot/queue'
import { sql } from 'kysely'
import type { Figures } from '../comparison.ts'
import { startErrand } from '../errand.ts'
import { foliotOn } from '../foliot.ts'
import { growthOverLastHalf } from '../memory-watch.ts'
import type { Round } from '../round.ts'
import { percentile } from '../statistics.ts'
import { QUEUES } from './catalogue.ts'
import { announceKinds, assertRecorded, untilRecorded } from './installation.ts'
import type { RunJobsAnswer, RunJobsTask } from './run-jobs.ts'
import type { SendJobsTask } from './send-jobs.ts'

export interface Load {
  seed: number
  /** The pause before each job, in milliseconds: the same for both arms. */
  gapsMs: readonly number[]
  /** Jobs before those that are measured. */
  warmUp: number
}

export type StartFigures = Figures<'p50Ms' | 'p99Ms'>

/** How late the history is, and how much waits for it. */
export interface Lag {
  p50Ms: number
  p99Ms: number
  mostMs: number
  /** Finished jobs that waited, at most. */
  outboxMost: number
  /** How many more of them there were at the end than in the middle. */
  outboxGrowth: number
}

const LOOK_EVERY_MS = 250

/** Sends jobs at their times and runs them, with nobody who records them. */
export async function runUnrecorded(round: Round, load: Load): Promise<StartFigures> {
  const server = await round.startRedis()
  await announceKinds(round.connect(server))
  return play(round, load, server.url, false)
}

/** The same with recorder and PostgreSQL beside it. */
export async function runRecorded(round: Round, load: Load): Promise<{ start: StartFigures; lag: Lag }> {
  const [server, postgres] = await Promise.all([round.startRedis(), round.startPostgres()])
  const redis = round.connect(server)
  const db = round.openDatabase(postgres)
  await announceKinds(redis)
  await migrate(db)
  await keepPartitions(db, Date.now())
  await foliotOn(round, { redisUrl: server.url, databaseUrl: postgres.url }).recorder()

  const lengths: number[] = []
  const timer = setInterval(async () => {
    // The round ends with a Redis that breaks; there is nothing to add.
    const outboxes = await measureOutboxes(redis, QUEUES).catch(() => [])
    lengths.push(outboxes.reduce((sum, { waiting }) => sum + waiting, 0))
  }, LOOK_EVERY_MS)
  let start: StartFigures
  try {
    start = await play(round, load, server.url, true)
  } finally {
    clearInterval(timer)
  }
  await untilRecorded(redis, round.signal)
  await assertRecorded(db, load.gapsMs.length)
  // When the commit began: the flush of what it wrote, some ms, comes after that.
  const { rows } = await sql<{ ms: number[] }>`
    select percentile_disc(array[0.5, 0.99, 1]) within group (
      order by (1000 * extract(epoch from pg_xact_commit_timestamp(xmin) - finished_at))::float8
    ) as ms from foliot.jobs where (input_search ->> 'orderId')::integer >= ${load.warmUp}`.execute(db)
  const [p50Ms = Number.NaN, p99Ms = Number.NaN, mostMs = Number.NaN] = rows[0]?.ms ?? []
  const outbox = { outboxMost: Math.max(...lengths), outboxGrowth: growthOverLastHalf(lengths) }
  return { start, lag: { p50Ms, p99Ms, mostMs, ...outbox } }
}

async function play(round: Round, load: Load, redisUrl: string, keepsFinished: boolean): Promise<StartFigures> {
  const { seed, gapsMs, warmUp } = load
  const jobs = gapsMs.length
  const run: RunJobsTask = { redisUrl, seed, jobs, firstMeasured: warmUp, keepsFinished }
  const send: SendJobsTask = { redisUrl, seed, first: 0, jobs, gapsMs }
  const [runner, sender] = await Promise.all([
    round.run(startErrand<RunJobsTask, RunJobsAnswer>(new URL('./run-jobs.ts', import.meta.url), run)),
    round.run(startErrand<SendJobsTask, object>(new URL('./send-jobs.ts', import.meta.url), send)),
  ])
  await Promise.all([runner.stop(), sender.stop()])
  const { startMs } = runner.answer
  if (startMs.length !== jobs - warmUp) throw new Error(`expected ${jobs - warmUp} samples, got ${startMs.length}`)
  return { p50Ms: percentile(startMs, 50), p99Ms: percentile(startMs, 99) }
}
