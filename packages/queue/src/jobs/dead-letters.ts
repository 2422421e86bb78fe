import { FoliotError } from '@foliot/jobs'
import type { Redis } from 'ioredis'
import { type Envelope, tenantOf } from '../enqueue/envelope.ts'
import { bullKeys, jobKey } from '../keys.ts'
import { runScript } from '../redis/scripts.ts'
import type { JobFilter } from './job-filter.ts'
import { parse } from './job-hash.ts'
import { type Position, toPositions } from './position.ts'
import { fingerprintOf } from './stored-fingerprint.ts'

export interface DeadLetterRead {
  /** Only those behind it. */
  after: Position
  /** None that died later, in ms since 1970. */
  until: number
  /** How many to look at. */
  count: number
  /** How many that fit to give at most. */
  most: number
}

/**
 * The next dead letters of a queue that fit a filter, oldest first, and how far that has come. Undefined when there are no
 * more. A walk from one such position to the next meets every one of them once, whatever leaves the set meanwhile.
 */
export async function readDeadLetters(
  redis: Redis,
  queue: string,
  filter: Omit<JobFilter, 'queues'>,
  { after, until, count, most }: DeadLetterRead,
): Promise<{ ids: string[]; reached: Position } | undefined> {
  const last = Math.min(until, filter.to === undefined ? until : filter.to - 1)
  const dead = (await readNext(redis, queue, after, count)).filter(({ at }) => at <= last)
  const end = dead.at(-1)
  if (!end) return undefined
  const fitting = await keepFitting(redis, queue, dead, filter)
  const given = fitting.slice(0, most)
  return { ids: idsOf(given), reached: given.length < fitting.length ? (given.at(-1) ?? after) : end }
}

async function keepFitting(
  redis: Redis,
  queue: string,
  dead: Position[],
  filter: Omit<JobFilter, 'queues'>,
): Promise<Position[]> {
  const { ids: wanted, type, tenant, label, errorKind, fingerprint } = filter
  const candidates = wanted ? dead.filter(({ id }) => wanted.has(id)) : dead
  if ([type, tenant, label, errorKind, fingerprint].every((field) => field === undefined)) return candidates
  const facts = await readFacts(redis, queue, idsOf(candidates), filter)
  return candidates.filter((_, i) => facts[i] !== undefined)
}

const idsOf = (positions: readonly Position[]): string[] => positions.map(({ id }) => id)

async function readNext(redis: Redis, queue: string, after: Position, count: number): Promise<Position[]> {
  const flat = await runScript(redis, 'nextDead', [bullKeys(queue).failed], [after.at, after.id, count])
  return toPositions(flat as string[])
}

/** What dead letters are told apart by. */
export interface DeadFacts {
  type: string
  kind: string
  fingerprint: string
}

/** What each of them is; undefined for those that do not fit, or are gone. Of the filter, times and ids are not looked at. */
export async function readFacts(
  redis: Redis,
  queue: string,
  ids: readonly string[],
  { type, tenant, label, errorKind, fingerprint }: Omit<JobFilter, 'queues'>,
): Promise<(DeadFacts | undefined)[]> {
  const pipeline = redis.pipeline()
  const more = label || tenant !== undefined ? ['env'] : []
  for (const id of ids) pipeline.hmget(jobKey(queue, id), 'name', 'ek', 'fp', ...more)
  const replies = await pipeline.exec()
  if (!replies) throw new FoliotError('unavailable', 'Redis dropped the connection while dead letters were read')
  return replies.map(([error, fields]) => {
    // Something else lies where its hash should be: no move would touch it.
    if (error?.message.startsWith('WRONGTYPE')) return undefined
    if (error) throw error
    const [name, ek, fp, env] = fields as (string | null)[]
    if (name == null && ek == null) return undefined
    const facts = { type: name ?? '', kind: ek ?? 'error', fingerprint: fingerprintOf({ name, ek, fp }) }
    const fits =
      (type === undefined || facts.type === type) &&
      (errorKind === undefined || facts.kind === errorKind) &&
      (fingerprint === undefined || facts.fingerprint === fingerprint) &&
      (tenant === undefined || tenantOf(env) === tenant) &&
      (label === undefined || parse<Envelope>(env ?? undefined)?.labels?.[label.key] === label.value)
    return fits ? facts : undefined
  })
}
