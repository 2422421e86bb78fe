import type { TickOutcome, UnfiredTick } from '@foliot/jobs'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { DAY_MS, timeOf } from '../days.ts'
import { and } from '../planner.ts'
import { type Refused, writeOrRefuse } from '../refused.ts'
import { storedText } from '../stored-text.ts'
import { textArray } from '../text-array.ts'

/** How many records one transaction deletes. */
const BATCH = 2_000

/**
 * Keeps what became of ticks that made no job. Doing it again changes nothing; of two records of one tick the later decision
 * stays.
 *
 * @param ticks some hundred, in any order.
 * @returns those that are refused; all others are kept.
 * @throws what `databaseTroubleOf` knows: then nothing is known of them, and they may be recorded again.
 */
export function recordTicks(db: Database, ticks: readonly UnfiredTick[]): Promise<Refused<UnfiredTick>[]> {
  return writeOrRefuse(ticks, (some) => insert(db, some))
}

type Row = ReturnType<typeof toRow>

const toRow = ({ tenant, scheduleId, scheduledFor, until, count, outcome, reason, decidedAt }: UnfiredTick) => ({
  tenant: storedText(tenant),
  scheduleId: storedText(scheduleId),
  scheduledFor: timeOf(scheduledFor),
  until: timeOf(until),
  count,
  outcome: storedText(outcome),
  reason: storedText(reason),
  decidedAt: timeOf(decidedAt),
})

const keyOf = ({ tenant, scheduleId, scheduledFor }: Row): string => `${tenant}/${scheduleId}/${scheduledFor}`

const isLater = (row: Row, other: Row): boolean => `${row.decidedAt} ${row.until}` > `${other.decidedAt} ${other.until}`

async function insert(db: Database, ticks: readonly UnfiredTick[]): Promise<void> {
  // Each column goes as one array, in which no tick may stand twice.
  const latest = new Map<string, Row>()
  for (const row of ticks.map(toRow)) {
    const other = latest.get(keyOf(row))
    if (!other || isLater(row, other)) latest.set(keyOf(row), row)
  }
  // In one order, so that two who record the same wait for each other instead of for ever.
  const rows = [...latest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
  type Name = Exclude<keyof Row, 'count'>
  const texts = (name: Name): Buffer => textArray(rows.map((row) => row[name]))
  const list = <K extends keyof Row>(name: K): Row[K][] => rows.map((row) => row[name])
  await sql`
    insert into foliot.ticks as kept (
      tenant, schedule_id, scheduled_for, until, count, outcome, reason, decided_at
    )
    select * from unnest(
      ${texts('tenant')}::text[], ${texts('scheduleId')}::text[], ${list('scheduledFor')}::timestamptz[],
      ${list('until')}::timestamptz[], ${list('count')}::bigint[], ${texts('outcome')}::text[],
      ${texts('reason')}::text[], ${list('decidedAt')}::timestamptz[]
    )
    on conflict (tenant, schedule_id, scheduled_for) do update set
      until = excluded.until, count = excluded.count, outcome = excluded.outcome, reason = excluded.reason,
      decided_at = excluded.decided_at
    where (kept.decided_at, kept.until) < (excluded.decided_at, excluded.until)`.execute(db)
}

/** Instants in ms since 1970. */
export interface TickSearch {
  tenant: string
  scheduleId: string
  /** Planned at or after; of several that follow each other, the last of them. */
  from?: number
  /** Planned before. */
  to?: number
  /** The `scheduledFor` of the last record of the page before. */
  before?: number
}

/** The newest first, by when they were planned. */
export async function searchTicks(db: Database, search: TickSearch, limit: number): Promise<UnfiredTick[]> {
  const { tenant, scheduleId, from, to, before } = search
  const ofSchedule = sql`tenant = ${storedText(tenant)} and schedule_id = ${storedText(scheduleId)}`
  const conditions = [
    ofSchedule,
    ...(from === undefined ? [] : [sql`until >= ${timeOf(from)}::timestamptz`]),
    // Records of a schedule follow each other, so that one alone may begin before and reach into it: nothing older is read.
    ...(from === undefined
      ? []
      : [
          sql`scheduled_for >= coalesce((
            select max(scheduled_for) from foliot.ticks
            where ${ofSchedule} and scheduled_for < ${timeOf(from)}::timestamptz
          ), ${timeOf(from)}::timestamptz)`,
        ]),
    ...(to === undefined ? [] : [sql`scheduled_for < ${timeOf(to)}::timestamptz`]),
    ...(before === undefined ? [] : [sql`scheduled_for < ${timeOf(before)}::timestamptz`]),
  ]
  const { rows } = await sql<{
    tenant: string
    scheduleId: string
    scheduledFor: number
    until: number
    count: number | null
    outcome: TickOutcome
    reason: string
    decidedAt: number
  }>`
    select tenant, schedule_id as "scheduleId", scheduled_for as "scheduledFor", until, count, outcome, reason,
      decided_at as "decidedAt"
    from foliot.ticks where ${and(conditions)} order by scheduled_for desc limit ${limit}`.execute(db)
  return rows
}

/**
 * Deletes records of ticks that were decided longer ago than so many days.
 *
 * @param options `now` in ms since 1970; `keepDays` at least 1.
 * @returns how many.
 * @throws RangeError if they should be kept for less than a day.
 */
export async function dropOldTicks(
  db: Database,
  { now, keepDays }: { now: number; keepDays: number },
): Promise<number> {
  if (!(keepDays >= 1)) throw new RangeError(`expected records of ticks to be kept for at least a day, got ${keepDays}`)
  const before = timeOf(now - keepDays * DAY_MS)
  let deleted = 0
  for (;;) {
    const { numAffectedRows = 0n } = await sql`
      delete from foliot.ticks where ctid = any (array(
        select ctid from foliot.ticks where decided_at < ${before}::timestamptz order by decided_at limit ${BATCH}
      ))`.execute(db)
    deleted += Number(numAffectedRows)
    if (numAffectedRows < BATCH) return deleted
  }
}
