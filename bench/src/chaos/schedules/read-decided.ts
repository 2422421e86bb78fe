import { readFile } from 'node:fs/promises'
import { openDatabase } from '@foliot/history'
import { connectForLoops, HOMELESS_QUEUE, readUnfiredTicks } from '@foliot/queue'
import { sql } from 'kysely'
import { TICK_QUEUE } from './definitions.ts'
import type { Decided, TickMade } from './verdict.ts'

export interface DecidedPlaces {
  databaseUrl: string
  redisUrl: string
  /** Where handlers noted that they ran. */
  runsFile: string
}

/** More than a stream of ticks keeps. */
const ALL = 1_000_000

/** Reads what became of all ticks, as the history, Redis and the handlers tell. */
export async function readDecided({ databaseUrl, redisUrl, runsFile }: DecidedPlaces): Promise<Decided> {
  const redis = connectForLoops(redisUrl)
  const db = openDatabase({ url: databaseUrl, poolSize: 1, statementTimeoutMs: 60_000, queryTimeoutMs: 70_000 })
  try {
    // Redis first: what is taken into the history meanwhile is found there then.
    const waiting = await Promise.all([TICK_QUEUE, HOMELESS_QUEUE].map((queue) => readUnfiredTicks(redis, queue, ALL)))
    const ticks = await sql<Decided['unfired'][number]>`
      select schedule_id as "scheduleId", (extract(epoch from scheduled_for) * 1000)::float8 as "scheduledFor",
        (extract(epoch from until) * 1000)::float8 as until, outcome, reason
      from foliot.ticks`.execute(db)
    const jobs = await sql<RecordedTick>`
      select id::text as id, schedule_id as "scheduleId", document::jsonb ->> 'scheduledFor' as "scheduledFor",
        (extract(epoch from created_at) * 1000)::float8 as "createdAt"
      from foliot.jobs where schedule_id is not null`.execute(db)
    const unfired = [...waiting.flat().map(({ tick }) => tick), ...ticks.rows]
    const known = new Map(unfired.map((tick) => [`${tick.scheduleId} ${tick.scheduledFor} ${tick.until}`, tick]))
    return { made: joinMade(jobs.rows, await readFile(runsFile, 'utf8')), unfired: [...known.values()] }
  } finally {
    redis.disconnect()
    await db.destroy()
  }
}

export interface RecordedTick {
  id: string
  scheduleId: string
  /** RFC 3339. */
  scheduledFor: string
  createdAt: number
}

/** @param runs a line for each start of a handler: `<job id> <attempt> <schedule> <due, ms since 1970>` */
export function joinMade(recorded: readonly RecordedTick[], runs: string): TickMade[] {
  const made = new Map<string, TickMade>()
  for (const { id, scheduleId, scheduledFor, createdAt } of recorded) {
    made.set(id, { id, scheduleId, scheduledFor: Date.parse(scheduledFor), createdAt, begun: 0 })
  }
  // The last line may be about to be written.
  for (const line of runs.slice(0, runs.lastIndexOf('\n') + 1).split('\n')) {
    const [id = '', attempt, scheduleId = '', scheduledFor] = line.split(' ')
    if (id === '') continue
    const job = made.get(id) ?? { id, scheduleId, scheduledFor: Number(scheduledFor), createdAt: undefined, begun: 0 }
    made.set(id, job)
    if (attempt === '1') job.begun += 1
  }
  return [...made.values()]
}
