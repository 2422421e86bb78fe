import type { JobStatus } from '@foliot/jobs'
import { type RawBuilder, sql, type Transaction } from 'kysely'
import type { Database } from './database.ts'
import { DAY_MS, dayOf } from './days.ts'
import { anyOf, type Conditions, conditionsOf, type HistoryFilter, timesOf } from './job-filter.ts'
import { allow, and } from './planner.ts'
import type { Schema } from './schema.ts'
import { SLOT_MS, slotOf, tagsOfSlots } from './tags.ts'

/**
 * Searching in two steps, neither of which leaves a choice to the planner, whose statistics are of yesterday:
 *
 * 1. The newest jobs are read one by one in their order. This fills the page if the filter fits much of what is new.
 * 2. From there on the index of tags, inputs and words is asked for what fits, which is then sorted: first for as long a
 *    time as should fill the page by what the first step found, then for the rest. If too much fits, it is asked for half
 *    of that time, the newer one first, and so on.
 */

/** A place in the order of all jobs. */
export interface HistoryPosition {
  /** ms since 1970 */
  createdAt: number
  id: string
}

export interface FoundJob extends HistoryPosition {
  status: JobStatus
  /** The job as the REST API answers it, as JSON text. */
  document: string
}

export interface FoundJobs {
  jobs: FoundJob[]
  /** Whether there are more behind the last of them. */
  more: boolean
}

/** How much a search does before it tries otherwise. */
export interface SearchEffort {
  /** How many jobs the first step reads. */
  walk: number
  /** How many jobs the second step sorts at a time. */
  sort: number
  /** The same of one slot, which cannot be halved: more of them are read in their order after all. */
  crowd: number
}

/** Walking and sorting take 10 ms or less on two cores. */
const EFFORT: SearchEffort = { walk: 5_000, sort: 500, crowd: 2_000 }

interface Found extends HistoryPosition {
  status: JobStatus
  day: string
}

/**
 * The jobs that fit, newest first by the time they were made and then by id.
 *
 * @param after where the page before ended; that job is not given again.
 */
export async function searchJobs(
  db: Database,
  filter: HistoryFilter,
  limit: number,
  after?: HistoryPosition,
): Promise<FoundJobs> {
  return searchWith(db, EFFORT, filter, limit, after)
}

/** As `searchJobs`; what is found does not depend on the effort. */
export async function searchWith(
  db: Database,
  effort: SearchEffort,
  filter: HistoryFilter,
  limit: number,
  after?: HistoryPosition,
): Promise<FoundJobs> {
  if (filter.queues?.length === 0 || filter.statuses?.length === 0) return { jobs: [], more: false }
  const search = { times: timesOf(filter), effort, conditions: conditionsOf(filter), wanted: limit + 1 }
  return db.transaction().execute(async (tx) => {
    const walked = await walk(tx, search, after)
    const found = walked.reached ? await probeFrom(tx, search, walked, walked.reached) : walked.found
    const page = found.slice(0, limit)
    return { jobs: await readDocuments(tx, page), more: found.length > limit }
  })
}

type Times = ReturnType<typeof timesOf>

interface Search {
  times: Times
  effort: SearchEffort
  conditions: Conditions
  /** One more than the page holds. */
  wanted: number
}

type Tx = Transaction<Schema>

const isoOf = (ms: number): string => new Date(ms).toISOString()

/** Leaves out the partitions that cannot hold any. */
function dayBounds({ from, to }: Times, before?: HistoryPosition): RawBuilder<unknown>[] {
  const last = Math.min(to ?? Number.POSITIVE_INFINITY, before?.createdAt ?? Number.POSITIVE_INFINITY)
  return [
    ...(from === undefined ? [] : [sql`day >= ${dayOf(from)}::date`]),
    ...(last === Number.POSITIVE_INFINITY ? [] : [sql`day <= ${dayOf(last)}::date`]),
  ]
}

/** `time` is an expression of created_at. */
function timeBounds({ from, to }: Times, time: RawBuilder<unknown>, before?: HistoryPosition): RawBuilder<unknown>[] {
  return [
    ...(from === undefined ? [] : [sql`${time} >= ${isoOf(from)}::timestamptz`]),
    ...(to === undefined ? [] : [sql`${time} < ${isoOf(to)}::timestamptz`]),
    ...(before ? [sql`(${time}, id) < (${isoOf(before.createdAt)}::timestamptz, ${before.id}::uuid)`] : []),
  ]
}

interface Walked {
  found: Found[]
  /** When the newest of the jobs that it read was made; 0 if there was none. */
  newest: number
  /** How far it came, if it neither filled the page nor came to the end. */
  reached: HistoryPosition | undefined
}

async function walk(tx: Tx, { times, effort, conditions, wanted }: Search, after?: HistoryPosition): Promise<Walked> {
  await allow(tx, 'order')
  const bounds = [...dayBounds(times, after), ...timeBounds(times, sql`created_at`, after)]
  // Without a condition the page is full before this is reached.
  const most = Math.max(effort.walk, wanted)
  const { rows } = await sql<FoundRow & { fits: boolean; n: number }>`
    select id, day, created_at as at, status, fits, n from (
      select id, day, created_at, status, coalesce(${and(conditions.ofRow)}, false) as fits,
        row_number() over (order by created_at desc, id desc) as n
      from foliot.jobs where ${and(bounds)} order by created_at desc, id desc limit ${most}
    ) as newest
    where fits or n in (1, ${most}) order by created_at desc, id desc limit ${wanted + 1}`.execute(tx)
  const found = rows
    .filter(({ fits }) => fits)
    .slice(0, wanted)
    .map(toFound)
  const last = rows.at(-1)
  const isCutShort = last?.n === most && found.length < wanted
  return { found, newest: rows[0]?.at ?? 0, reached: isCutShort ? toFound(last) : undefined }
}

interface FoundRow {
  id: string
  day: string
  at: number
  status: JobStatus
}

const toFound = ({ id, day, at, status }: FoundRow): Found => ({ id, day, createdAt: at, status })

/** A range of slots, both ends in it. */
interface Window {
  first: number
  last: number
}

const SLOTS_OF_DAY = DAY_MS / SLOT_MS

const daySlotOf = (slot: number): number => Math.floor(slot / SLOTS_OF_DAY)

/** What was found already, and what the index finds behind it until the page is full. */
async function probeFrom(tx: Tx, search: Search, walked: Walked, reached: HistoryPosition): Promise<Found[]> {
  const { times, wanted } = search
  const oldest = Math.max(times.from ?? 0, await oldestOf(tx))
  const newest = Math.min(reached.createdAt, (times.to ?? Number.POSITIVE_INFINITY) - 1)
  const all = { first: slotOf(oldest), last: slotOf(newest) }
  const first = Math.max(guessFirst(walked, reached, wanted), all.first)
  await allow(tx, 'index')
  const found = [...walked.found]
  for (const window of [
    { first, last: all.last },
    { first: all.first, last: first - 1 },
  ]) {
    found.push(...(await probeWindow(tx, search, reached, wanted - found.length, window)))
  }
  return found
}

async function oldestOf(tx: Tx): Promise<number> {
  const { rows } = await sql<{ at: number | null }>`select min(created_at) as at from foliot.jobs`.execute(tx)
  return rows[0]?.at ?? 0
}

/** How many pages the first window should hold, if what fits is spread as among the jobs that were read. */
const PAGES = 4

/** The first slot of the first window. What was rare among so many may be rare everywhere: then it is all of them. */
function guessFirst({ found, newest }: Walked, reached: HistoryPosition, wanted: number): number {
  if (found.length === 0) return 0
  const span = ((newest - reached.createdAt) * PAGES * wanted) / found.length
  return slotOf(reached.createdAt - span)
}

/** The newest of what fits in the window and lies behind `reached`. */
async function probeWindow(
  tx: Tx,
  search: Search,
  reached: HistoryPosition,
  need: number,
  window: Window,
): Promise<Found[]> {
  if (need === 0 || window.first > window.last) return []
  const isSmallest = window.first === window.last
  const most = isSmallest ? search.effort.crowd : search.effort.sort
  const whole = await probe(tx, search, reached, need, window, most)
  if (whole) return whole
  if (isSmallest) return walkSlot(tx, search, reached, need, window)
  const middle = middleOf(window)
  const newer = await probeWindow(tx, search, reached, need, { first: middle, last: window.last })
  const older = { first: window.first, last: middle - 1 }
  return [...newer, ...(await probeWindow(tx, search, reached, need - newer.length, older))]
}

/** Where the newer half begins: between two days, if there are two, because days have indexes of their own. */
function middleOf({ first, last }: Window): number {
  const middle = Math.ceil((first + last) / 2)
  if (daySlotOf(first) === daySlotOf(last)) return middle
  return Math.max(daySlotOf(middle), daySlotOf(first) + 1) * SLOTS_OF_DAY
}

/** Undefined if more than `most` fit. */
async function probe(
  tx: Tx,
  { times, conditions }: Search,
  reached: HistoryPosition,
  need: number,
  window: Window,
  most: number,
): Promise<Found[] | undefined> {
  // Not created_at itself, so that no index in order of time offers itself.
  const time = sql`(created_at + interval '0')`
  const bounds = [...timeBounds(times, time, reached), ...windowBounds(window, time)]
  const { rows } = await sql<FoundRow & { n: number }>`
    with found as materialized (
      select id, day, created_at, status from foliot.jobs
      where ${and([...conditions.ofIndex, ...conditions.besideIndex, ...bounds])}
      limit ${most + 1}
    )
    select id, day, created_at as at, status, (select count(*) from found) as n
    from found order by created_at desc, id desc limit ${need}`.execute(tx)
  return (rows[0]?.n ?? 0) > most ? undefined : rows.map(toFound)
}

/** So much of the slot fits that reading it in order soon fills the page. */
async function walkSlot(
  tx: Tx,
  { times, conditions }: Search,
  reached: HistoryPosition,
  need: number,
  window: Window,
): Promise<Found[]> {
  await allow(tx, 'order')
  const [from, to] = [window.first, window.last + 1].map((slot) => slot * SLOT_MS) as [number, number]
  const bounds = [
    ...dayBounds({ from, to }),
    ...timeBounds({ from, to }, sql`created_at`),
    ...timeBounds(times, sql`created_at`, reached),
  ]
  // The conditions stand outside, so that none of them chooses another way.
  const { rows } = await sql<FoundRow>`
    select id, day, at, status from (
      select id, day, created_at as at, created_at, status, coalesce(${and(conditions.ofRow)}, false) as fits
      from foliot.jobs where ${and(bounds)} order by created_at desc, id desc offset 0
    ) as slot
    where fits order by created_at desc, id desc limit ${need}`.execute(tx)
  await allow(tx, 'index')
  return rows.map(toFound)
}

/** The days leave out partitions; within one day the index is asked for the slots. */
function windowBounds({ first, last }: Window, time: RawBuilder<unknown>): RawBuilder<unknown>[] {
  const [from, to] = [first, last + 1].map((slot) => isoOf(slot * SLOT_MS))
  const bounds = [
    sql`day between ${dayOf(first * SLOT_MS)}::date and ${dayOf(last * SLOT_MS)}::date`,
    sql`${time} >= ${from}::timestamptz`,
    sql`${time} < ${to}::timestamptz`,
  ]
  if (daySlotOf(first) !== daySlotOf(last)) return bounds
  return [...bounds, anyOf(tagsOfSlots(first, last))]
}

async function readDocuments(tx: Tx, page: readonly Found[]): Promise<FoundJob[]> {
  if (page.length === 0) return []
  const { rows } = await sql<{ id: string; document: string }>`
    select id, document from foliot.jobs
    where id = any (${page.map(({ id }) => id)}::uuid[]) and day = any (${[...new Set(page.map(({ day }) => day))]}::date[])`.execute(
    tx,
  )
  const documents = new Map(rows.map(({ id, document }) => [id, document]))
  return page.flatMap(({ id, createdAt, status }) => {
    const document = documents.get(id)
    return document === undefined ? [] : [{ id, createdAt, status, document }]
  })
}
