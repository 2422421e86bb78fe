import { truncate } from '@foliot/jobs'
import type { Redis } from 'ioredis'
import { bullKeys, jobKey } from '../keys.ts'
import { readTogether } from '../redis/read-together.ts'
import { type DeadFacts, readFacts } from './dead-letters.ts'
import type { JobFilter } from './job-filter.ts'
import { type Position, toPositions } from './position.ts'

/** Dead letters whose failures are alike. Times are RFC 3339 in UTC. */
export interface ErrorGroup extends DeadFacts {
  name: string
  /** Of the newest of them. */
  message: string
  count: number
  /** When the first and the last of them died. */
  firstSeenAt: string
  lastSeenAt: string
  /** The newest of them. */
  sampleJobId: string
  queues: string[]
}

export type ErrorFilter = Omit<JobFilter, 'ids'>

export interface ErrorGroups {
  /** The largest first. */
  groups: ErrorGroup[]
  /** Whether there are older dead letters, or smaller groups, that were left out. */
  truncated: boolean
}

/** How many dead letters one call looks at, the newest ones. */
export const SCAN_LIMIT = 10_000
/** How many groups it gives. */
export const GROUP_LIMIT = 200
const CHUNK = 500
const MESSAGE_BYTES = 1024

interface Found extends Position {
  queue: string
}

interface Group {
  facts: DeadFacts
  newest: Found
  oldest: Found
  count: number
  queues: Set<string>
}

/** Groups the newest dead letters that fit a filter by what went wrong. They may move while they are read. */
export async function groupErrors(redis: Redis, filter: ErrorFilter): Promise<ErrorGroups> {
  const { newest, more } = await readNewest(redis, filter)
  const groups = new Map<string, Group>()
  for (let i = 0; i < newest.length; i += CHUNK) await addTo(groups, redis, newest.slice(i, i + CHUNK), filter)
  const largest = [...groups.values()].sort((a, b) => b.count - a.count || b.newest.at - a.newest.at)
  const given = largest.slice(0, GROUP_LIMIT)
  return { groups: await showGroups(redis, given), truncated: more || largest.length > given.length }
}

/** The newest dead letters of several queues, newest first, one reading for each queue. */
async function readNewest(redis: Redis, filter: ErrorFilter): Promise<{ newest: Found[]; more: boolean }> {
  const { queues, from = '-inf', to } = filter
  const before = to === undefined ? '+inf' : `(${to}`
  let newest: Found[] = []
  let more = false
  for (const queue of queues) {
    const { failed } = bullKeys(queue)
    const flat = await redis.zrevrangebyscore(failed, before, from, 'WITHSCORES', 'LIMIT', 0, SCAN_LIMIT + 1)
    const found = toPositions(flat).map((position) => ({ ...position, queue }))
    newest = [...newest, ...found].sort((a, b) => b.at - a.at)
    more ||= newest.length > SCAN_LIMIT
    newest.length = Math.min(newest.length, SCAN_LIMIT)
  }
  return { newest, more }
}

async function addTo(
  groups: Map<string, Group>,
  redis: Redis,
  found: readonly Found[],
  filter: ErrorFilter,
): Promise<void> {
  for (const [queue, of] of Map.groupBy(found, ({ queue }) => queue)) {
    const facts = await readFacts(
      redis,
      queue,
      of.map(({ id }) => id),
      filter,
    )
    for (const [i, one] of of.entries()) if (facts[i]) add(groups, facts[i], one)
  }
}

function add(groups: Map<string, Group>, facts: DeadFacts, found: Found): void {
  const group = groups.get(facts.fingerprint)
  if (!group) {
    groups.set(facts.fingerprint, { facts, newest: found, oldest: found, count: 1, queues: new Set([found.queue]) })
    return
  }
  group.count++
  group.queues.add(found.queue)
  if (found.at > group.newest.at) group.newest = found
  if (found.at < group.oldest.at) group.oldest = found
}

/** With the name and the message of the newest of each. */
async function showGroups(redis: Redis, groups: readonly Group[]): Promise<ErrorGroup[]> {
  const reads = redis.pipeline()
  for (const { newest } of groups) reads.hmget(jobKey(newest.queue, newest.id), 'en', 'failedReason')
  const replies = await readTogether<(string | null)[][]>(reads)
  return groups.map(({ facts, newest, oldest, count, queues }, i) => ({
    ...facts,
    name: replies[i]?.[0] ?? 'Error',
    message: truncate(replies[i]?.[1] ?? '', MESSAGE_BYTES),
    count,
    firstSeenAt: new Date(oldest.at).toISOString(),
    lastSeenAt: new Date(newest.at).toISOString(),
    sampleJobId: newest.id,
    queues: [...queues].sort(),
  }))
}
