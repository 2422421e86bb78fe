import { scheduleKey } from '@foliot/jobs'
import type { Redis } from 'ioredis'
import { findingOrderKey, findingsKey, scheduleEventsKey, watchedKey, watchLeaseKey } from '../keys.ts'
import { runScript } from '../redis/scripts.ts'

/**
 * What may be wrong with a schedule:
 *
 * - `next_in_past`: it was due a while ago, and nobody has fired the tick or skipped it
 * - `missed`: the same, or the tick still waits for an earlier job to end, and the schedule says how soon a job is expected
 * - `late`: the job is there, and no worker has started it within that time
 * - `overdue`: the job has not ended within the time that the schedule says
 * - `cannot_be_followed`: its rule cannot be used as it is now, such as for a calendar that is gone. `since` is when it was found.
 * - `schedulers_silent`: no scheduler was heard of for a while. It concerns all schedules.
 */
export const FINDING_KINDS = [
  'missed',
  'next_in_past',
  'late',
  'overdue',
  'cannot_be_followed',
  'schedulers_silent',
] as const

export type FindingKind = (typeof FINDING_KINDS)[number]

/** Something that did not happen. Instants are milliseconds since 1970. */
export interface Finding {
  readonly kind: FindingKind
  /** Without it and `scheduleId` it concerns all schedules. */
  readonly tenant?: string
  readonly scheduleId?: string
  /** When what did not happen was due. */
  readonly since: number
  /** One line for people. */
  readonly reason: string
  /** When the last job was made, if that is known. */
  readonly lastRunAt?: number
  /** The tick that it is about, as planned. */
  readonly tick?: number
}

/** How far the watchdog has come. */
export interface Watched {
  /** When it last had looked at all that it had to, in ms by Redis' clock. */
  readonly at: number
  /** How many findings are in no list, as there are too many: of each tenant that has such, by its name. Left out if there are none. */
  readonly unlisted?: Readonly<Record<string, number>>
}

/** What may be told of a finding. */
export const FINDING_EVENTS = ['schedule_overdue', 'schedule_recovered'] as const

/** What happened to a finding, as the stream of events has it. */
export interface FindingEvent {
  readonly event: (typeof FINDING_EVENTS)[number]
  readonly finding: Finding
}

const EVENTS_KEPT = 10_000

/** Tells findings apart: there is at most one of each kind for a schedule. */
export const findingField = ({ kind, tenant = '', scheduleId }: Finding): string =>
  scheduleId === undefined ? kind : `${kind} ${scheduleKey({ tenant, id: scheduleId })}`

/** All that is wrong now, by `findingField`. */
export async function readFindings(redis: Redis): Promise<Map<string, Finding>> {
  const texts = await redis.hgetall(findingsKey)
  return new Map(Object.entries(texts).map(([field, text]) => [field, JSON.parse(text) as Finding]))
}

/** Fields that are read together: they are short, and most may be of other tenants. */
const PLACES_AT_ONCE = 1000

/**
 * A page of what is wrong now, the oldest first.
 *
 * @param tenant those of it, and what concerns all schedules; undefined for all
 * @param after `last` of the page before
 * @returns `last` is undefined if nothing follows. What is mended while it is read is left out.
 */
export async function listFindings(
  redis: Redis,
  { tenant, limit, after }: { tenant: string | undefined; limit: number; after: string | undefined },
): Promise<{ findings: Finding[]; last: string | undefined }> {
  const places: string[] = []
  let from = after
  // One more: whether anything follows.
  while (places.length <= limit) {
    const count = tenant === undefined ? limit + 1 - places.length : PLACES_AT_ONCE
    const min = from === undefined ? '-' : `(${from}`
    const read = await redis.zrangebylex(findingOrderKey, min, '+', 'LIMIT', 0, count)
    places.push(...read.filter((place) => tenant === undefined || concernsTenant(place, tenant)))
    if (read.length < count) break
    from = read.at(-1)
  }
  const page = places.slice(0, limit)
  if (page.length === 0) return { findings: [], last: undefined }
  const texts = await redis.hmget(findingsKey, ...page.map((place) => place.slice(place.indexOf(' ') + 1)))
  return {
    findings: texts.flatMap((text) => (text === null ? [] : [JSON.parse(text) as Finding])),
    last: places.length > limit ? page.at(-1) : undefined,
  }
}

/** @param place `<since> <kind> <tenant>/<schedule>`, or without the last of what concerns all schedules */
function concernsTenant(place: string, tenant: string): boolean {
  const [, , key] = place.split(' ')
  return key === undefined || key.startsWith(`${tenant}/`)
}

/**
 * Writes down what is wrong, and what no longer is, and makes events of it. To tell the same again changes nothing.
 *
 * @returns of each list those that were news
 */
export async function tellFindings(
  redis: Redis,
  { raised, recovered }: { raised: readonly Finding[]; recovered: readonly Finding[] },
): Promise<{ raised: Finding[]; recovered: Finding[] }> {
  const all = [...raised, ...recovered]
  if (all.length === 0) return { raised: [], recovered: [] }
  const args = all.flatMap((finding) => [findingField(finding), JSON.stringify(finding)])
  const keys = [findingsKey, scheduleEventsKey, findingOrderKey]
  const news = (await runScript(redis, 'tellFindings', keys, [EVENTS_KEPT, raised.length, ...args])) as number[]
  const isNews = (_: Finding, i: number): boolean => news[i] === 1
  return { raised: raised.filter(isNews), recovered: recovered.filter((f, i) => isNews(f, raised.length + i)) }
}

/** The event of an entry of the stream; undefined for what is none. */
export function toFindingEvent({ event, f }: Record<string, string>): FindingEvent | undefined {
  if (f === undefined || (event !== 'schedule_overdue' && event !== 'schedule_recovered')) return undefined
  return { event, finding: JSON.parse(f) as Finding }
}

/** Takes the right to watch, or renews it. Whoever lost it without noticing does no harm, only work. */
export async function holdWatch(redis: Redis, owner: string, forMs: number): Promise<boolean> {
  return (await runScript(redis, 'holdLease', [watchLeaseKey], [owner, forMs])) === 1
}

export async function leaveWatch(redis: Redis, owner: string): Promise<void> {
  if ((await redis.get(watchLeaseKey)) === owner) await redis.del(watchLeaseKey)
}

export async function sayWatched(redis: Redis, watched: Watched): Promise<void> {
  await redis.set(watchedKey, JSON.stringify(watched))
}

/** Undefined if nobody ever watched. */
export async function readWatched(redis: Redis): Promise<Watched | undefined> {
  const text = await redis.get(watchedKey)
  return text === null ? undefined : (JSON.parse(text) as Watched)
}
