import { truncate } from '@foliot/jobs'
import { type RawBuilder, sql, type Transaction } from 'kysely'
import type { Database } from './database.ts'
import { dayOf } from './days.ts'
import { conditionsOf, type HistoryFilter, timesOf } from './job-filter.ts'
import { allow, and } from './planner.ts'
import type { Schema } from './schema.ts'
import { indexedText } from './stored-text.ts'

/** Jobs whose failures are alike. Times are RFC 3339 in UTC. */
export interface HistoryErrorGroup {
  type: string
  kind: string
  fingerprint: string
  name: string
  /** Of the newest of them, as are the name, the kind and the type. */
  message: string
  count: number
  /** When the first and the last of them ended. */
  firstSeenAt: string
  lastSeenAt: string
  /** The newest of them. */
  sampleJobId: string
  queues: string[]
}

export interface HistoryErrorGroups {
  /** The largest first. */
  groups: HistoryErrorGroup[]
  /** Whether there are older failures, or smaller groups, that were left out. */
  truncated: boolean
}

/** How many failed jobs one call looks at, the newest ones. */
const FAILURES_LIMIT = 100_000
const MESSAGE_BYTES = 1024

/**
 * Groups jobs that failed or timed out, discarded ones as well unless the filter says otherwise, by what went wrong. If there
 * are more failures than one call looks at, it looks at those of the filter's tenant alone, provided that these are fewer,
 * whenever they ended.
 *
 * @param filter here `from` and `to` are of when the job ended.
 * @param limit of groups.
 */
export function groupErrors(db: Database, filter: HistoryFilter, limit: number): Promise<HistoryErrorGroups> {
  return groupFailures(db, FAILURES_LIMIT, filter, limit)
}

/** As `groupErrors`, looking at no more than `most` failures. */
export async function groupFailures(
  db: Database,
  most: number,
  filter: HistoryFilter,
  limit: number,
): Promise<HistoryErrorGroups> {
  if (filter.queues?.length === 0 || filter.statuses?.length === 0) return { groups: [], truncated: false }
  const { from, to } = timesOf(filter)
  const bounds = [
    sql`status in ('failed', 'timed_out')`,
    sql`fingerprint is not null`,
    ...(from === undefined ? [] : [sql`finished_at >= ${new Date(from).toISOString()}::timestamptz`]),
    // No job ends before it is made.
    ...(to === undefined
      ? []
      : [sql`finished_at < ${new Date(to).toISOString()}::timestamptz`, sql`day <= ${dayOf(to)}::date`]),
  ]
  // What the index of failures holds is not looked for in the jobs.
  const { queues, type, ...rest } = filter
  const fits = [
    ...(queues === undefined ? [] : [sql`queue = any (${queues.map(indexedText)}::text[])`]),
    ...(type === undefined ? [] : [sql`type = ${indexedText(type)}`]),
    ...conditionsOf(rest).ofRow,
  ]
  return db.transaction().execute(async (tx) => {
    await allow(tx, 'order')
    await sql`select set_config('enable_sort', 'on', true)`.execute(tx)
    const newest = sql`
      select id, day, queue, fingerprint, finished_at, coalesce(${and(fits)}, false) as fits
      from foliot.jobs where ${and(bounds)} order by finished_at desc limit ${most + 1}`
    const found = await groupLooked(tx, newest, limit)
    if (filter.tenant === undefined || found.looked <= most) return toGroups(found, limit, found.looked > most)
    // Others' failures may stand before those of the tenant, which the index of tags tells apart, in no order.
    await allow(tx, 'index')
    const { ofIndex, besideIndex } = conditionsOf({ ...filter, statuses: filter.statuses ?? ['failed', 'timed_out'] })
    // Bounds stand outside, so that no other index offers itself; all that it has ever failed is counted.
    const ofTenant = sql`
      select id, day, queue, fingerprint, finished_at, coalesce(${and([...bounds, ...besideIndex])}, false) as fits
      from foliot.jobs where ${and(ofIndex)} limit ${most + 1}`
    const own = await groupLooked(tx, ofTenant, limit)
    return own.looked <= most ? toGroups(own, limit, false) : toGroups(found, limit, true)
  })
}

interface Looked {
  rows: GroupRow[]
  /** At how many failures it has looked. */
  looked: number
}

/** Groups those of the failures that fit, one more than `limit`. */
async function groupLooked(tx: Transaction<Schema>, failures: RawBuilder<unknown>, limit: number): Promise<Looked> {
  const { rows } = await sql<GroupRow & { looked: number }>`
      with looked as materialized (${failures}
      ), parts as (
        select fingerprint, queue, count(*) as count, min(finished_at) as first, max(finished_at) as last
        from looked where fits group by fingerprint, queue
      ), groups as (
        select fingerprint, sum(count)::bigint as count, min(first) as first, max(last) as last,
          array_agg(queue order by queue) as queues
        from parts group by fingerprint order by count desc, last desc, fingerprint limit ${limit + 1}
      ), samples as (
        select distinct on (fingerprint) fingerprint, id, day
        from looked join groups using (fingerprint) where fits and finished_at = last order by fingerprint, id desc
      )
      select fingerprint, id, count, first, last, queues, (select count(*) from looked) as looked, job.*
      from groups join samples using (fingerprint) cross join lateral (
        select type, error_name as name, error_kind as kind, error_message as message
        from foliot.jobs where jobs.id = samples.id and jobs.day = samples.day
      ) as job
      order by count desc, last desc, fingerprint`.execute(tx)
  if (rows[0]) return { rows, looked: rows[0].looked }
  const { rows: counts } = await sql<{ looked: number }>`
    select count(*) as looked from (${failures}) as looked`.execute(tx)
  return { rows, looked: counts[0]?.looked ?? 0 }
}

const toGroups = ({ rows }: Looked, limit: number, isCut: boolean): HistoryErrorGroups => ({
  groups: rows.slice(0, limit).map(toGroup),
  truncated: isCut || rows.length > limit,
})

interface GroupRow {
  fingerprint: string
  id: string
  count: number
  first: number
  last: number
  queues: string[]
  type: string
  name: string | null
  kind: string | null
  message: string | null
}

const toGroup = ({ fingerprint, id, count, first, last, queues, type, name, kind, message }: GroupRow) => ({
  type,
  kind: kind ?? 'error',
  fingerprint,
  name: name ?? 'Error',
  message: truncate(message ?? '', MESSAGE_BYTES),
  count,
  firstSeenAt: new Date(first).toISOString(),
  lastSeenAt: new Date(last).toISOString(),
  sampleJobId: id,
  queues,
})
