import { type Schedule, type ScheduleChange, type StoredCalendar, scheduleKey } from '@foliot/jobs'
import type { Redis } from 'ioredis'
import {
  calendarsKey,
  scheduleChangesKey,
  scheduleHomesKey,
  scheduleSlotBase,
  scheduleSlotKey,
  schedulesEpochKey,
  schedulesRevisionKey,
} from '../keys.ts'
import { type Arg, runScript } from '../redis/scripts.ts'
import { slotOf } from './slots.ts'

/**
 * Definitions of schedules and calendars as Redis has them. PostgreSQL has the truth; schedules fire by this copy.
 *
 * A definition is stored as lines: its revision, its JSON (empty if the schedule was deleted), then what it was before, the
 * oldest first, each as `<until>:<JSON>`.
 */

/** How many changes are read at once. The stream keeps several times as many. */
const CHANGES_AT_ONCE = 5000

/** As many edits while no scheduler runs lose no tick of what was edited. */
const EARLIER_KEPT = 20

/** So much goes into one script, which Redis does nothing else beside. */
const PORTION = { changes: 250, bytes: 1024 * 1024 }

/**
 * Writes what is new, and wakes the schedulers that have it.
 *
 * @returns how many of them were
 */
export async function projectSchedules(redis: Redis, changes: readonly ScheduleChange[]): Promise<number> {
  const keys = [scheduleChangesKey, schedulesEpochKey, calendarsKey]
  const writes: Promise<unknown>[] = []
  let args: Arg[] = []
  let bytes = 0
  const write = (): void => {
    if (args.length > 0)
      writes.push(runScript(redis, 'projectSchedules', keys, [scheduleSlotBase, EARLIER_KEPT, ...args]))
    args = []
    bytes = 0
  }
  for (const { kind, tenant, id, revision, at, value } of changes) {
    const key = scheduleKey({ tenant, id })
    const text = value === undefined ? '' : JSON.stringify(value)
    args.push(kind === 'schedule' ? slotOf(key) : '', key, revision, at, text)
    bytes += text.length
    if (args.length >= 5 * PORTION.changes || bytes >= PORTION.bytes) write()
  }
  write()
  const written = (await Promise.all(writes)) as number[]
  return written.reduce((sum, count) => sum + count, 0)
}

/** When the definitions in Redis were begun, in ms since 1970: another one than before if they were lost. Undefined if there are none. */
export async function schedulesEpoch(redis: Redis): Promise<number | undefined> {
  const epoch = await redis.get(schedulesEpochKey)
  return epoch === null ? undefined : Number(epoch)
}

/** Up to which revision Redis has all definitions; undefined if it has none, or has lost them. */
export async function projectedSchedulesRevision(redis: Redis): Promise<number | undefined> {
  const [epoch, revision] = await redis.mget(schedulesEpochKey, schedulesRevisionKey)
  return epoch === null || revision === null ? undefined : Number(revision)
}

/** To be said when all definitions up to a revision were projected. */
export async function sayProjected(redis: Redis, revision: number): Promise<void> {
  // Where there are no schedules nothing was projected that would have begun it.
  const [seconds] = await redis.time()
  await redis.set(schedulesEpochKey, Number(seconds) * 1000, 'NX')
  await redis.set(schedulesRevisionKey, revision)
}

/** A schedule as Redis has it. */
export interface ProjectedSchedule {
  key: string
  revision: number
  /** Undefined once it was deleted. */
  current: Schedule | undefined
  /** What it was before, the oldest first, and up to when: their last ticks may not be decided yet. */
  earlier: { schedule: Schedule; until: number }[]
}

/** @throws SyntaxError if it is not as `projectSchedules` writes it */
export function parseProjected(key: string, text: string): ProjectedSchedule {
  const [revision = '', current, ...earlier] = text.split('\n')
  return {
    key,
    revision: Number(revision),
    current: current ? parseSchedule(current) : undefined,
    earlier: earlier.flatMap(parseEarlier),
  }
}

/** One that somebody broke by hand is left out: the edit that mended it has to be followed. */
function parseEarlier(line: string): ProjectedSchedule['earlier'] {
  const colon = line.indexOf(':')
  try {
    return [{ until: Number(line.slice(0, colon)), schedule: parseSchedule(line.slice(colon + 1)) }]
  } catch {
    return []
  }
}

const SHARED = ['tenant', 'type', 'inputText', 'cron', 'timezone', 'misfire', 'overlap'] as const
const SHARED_MAX = 10_000
const SHARED_LENGTH = 200
const shared = new Map<string, string>()
const NOTHING = Object.freeze({})

/** Values that many schedules have are kept once: a process may hold hundreds of thousands of schedules. */
function parseSchedule(json: string): Schedule {
  const schedule: Record<string, unknown> = JSON.parse(json)
  for (const name of SHARED) {
    const text = schedule[name]
    if (typeof text === 'string' && text.length <= SHARED_LENGTH) schedule[name] = sharedText(text)
  }
  for (const name of ['labels', 'jobOptions'] as const) {
    if (Object.keys(schedule[name] ?? NOTHING).length === 0) schedule[name] = NOTHING
  }
  return schedule as unknown as Schedule
}

function sharedText(text: string): string {
  const known = shared.get(text)
  if (known !== undefined) return known
  if (shared.size >= SHARED_MAX) shared.clear()
  shared.set(text, text)
  return text
}

/** All schedules of a slot as they are stored, in pages: pairs of key and text. None twice. */
export async function* readSlot(redis: Redis, slot: number): AsyncGenerator<[key: string, text: string][]> {
  const seen = new Set<string>()
  let cursor = '0'
  do {
    const [next, found] = await redis.hscan(scheduleSlotKey(slot), cursor, 'COUNT', 500)
    const page: [string, string][] = []
    for (let i = 0; i < found.length; i += 2) {
      const key = found[i] as string
      if (!seen.has(key)) page.push([key, found[i + 1] as string])
      seen.add(key)
    }
    cursor = next
    yield page
  } while (cursor !== '0')
}

/** As they are stored; undefined for those that are not. */
export async function readProjected(redis: Redis, keys: readonly string[]): Promise<(string | undefined)[]> {
  const texts = await Promise.all(keys.map((key) => redis.hget(scheduleSlotKey(slotOf(key)), key)))
  return texts.map((text) => text ?? undefined)
}

/**
 * Drops the earlier versions of a schedule, whose ticks are decided. Of one that was deleted its revision stays for a while, so
 * that a late writer does not revive it.
 *
 * @param forget drops that too
 * @returns whether it was still as it was read
 */
export async function settleSchedule(redis: Redis, key: string, revision: number, forget = false): Promise<boolean> {
  const slot = slotOf(key)
  const keys = [scheduleSlotKey(slot), scheduleHomesKey(slot)]
  return (await runScript(redis, 'settleSchedule', keys, [key, revision, forget ? 'forget' : ''])) === 1
}

/** All calendars, by tenant and name as `scheduleKey` joins them. */
export async function readCalendars(redis: Redis): Promise<Map<string, StoredCalendar>> {
  const texts = await redis.hgetall(calendarsKey)
  return new Map(
    Object.entries(texts).flatMap(([key, text]) => {
      const json = text.slice(text.indexOf('\n') + 1)
      return json === '' ? [] : [[key, JSON.parse(json) as StoredCalendar] as const]
    }),
  )
}

/** What has changed, as far as it is known. */
export interface ScheduleChanges {
  /** Where to go on. */
  position: string
  /** Some were missed: all have to be read again. */
  isTorn: boolean
  /** Whether there were no more when it was asked. */
  isAll: boolean
  schedules: Set<string>
  /** Whether a calendar has changed. */
  calendars: boolean
}

/** Where the changes stand now. */
export async function changesPosition(redis: Redis): Promise<string> {
  const [last] = await redis.xrevrange(scheduleChangesKey, '+', '-', 'COUNT', 1)
  return last?.[0] ?? '0-0'
}

/**
 * What has changed after a position; waits for it up to `waitMs`. It keeps the connection busy meanwhile: it needs one of its own.
 */
export async function awaitChanges(redis: Redis, position: string, waitMs: number): Promise<ScheduleChanges> {
  const found = await redis.xread('COUNT', CHANGES_AT_ONCE, 'BLOCK', waitMs, 'STREAMS', scheduleChangesKey, position)
  const entries = found?.[0]?.[1] ?? []
  const isAll = entries.length < CHANGES_AT_ONCE
  const changes: ScheduleChanges = { position, isTorn: false, isAll, schedules: new Set(), calendars: false }
  for (const [id, fields] of entries) {
    changes.position = id
    const slot = fields[fields.indexOf('s') + 1]
    const key = fields[fields.indexOf('k') + 1]
    if (slot === '') changes.calendars = true
    else if (key !== undefined) changes.schedules.add(key)
  }
  // Who is far behind may come to read what is left of more, of which some were trimmed.
  if (!isAll) changes.isTorn = !(await keepsSince(redis, position))
  return changes
}

/** Whether the stream still has all changes after a position. */
async function keepsSince(redis: Redis, position: string): Promise<boolean> {
  const [oldest] = await redis.xrange(scheduleChangesKey, '-', '+', 'COUNT', 1)
  return oldest !== undefined && !isLater(oldest[0], position)
}

function isLater(a: string, b: string): boolean {
  const [[aMs = 0, aCount = 0], [bMs = 0, bCount = 0]] = [a.split('-').map(Number), b.split('-').map(Number)]
  return aMs > bMs || (aMs === bMs && aCount > bCount)
}
