import type { Redis } from 'ioredis'
import { heldTicksKey, scheduleHomesKey, tickFencesKey, ticksKey, unfiredTicksKey } from '../keys.ts'
import { readTogether } from '../redis/read-together.ts'
import { runScript } from '../redis/scripts.ts'

/**
 * Where the ticks of a schedule are decided: among the keys of one queue, that of its job type. It moves if the type does, and
 * takes along what was decided until then.
 */
export interface Home {
  queue: string
  /** Ticks up to here were decided elsewhere, in ms as planned. */
  since: number
}

/** A home for what makes jobs of a type that nobody has announced: ticks are skipped there. */
export const HOMELESS_QUEUE = 'default'

export async function readHomes(redis: Redis, slot: number, keys: readonly string[]): Promise<(Home | undefined)[]> {
  if (keys.length === 0) return []
  const found = await redis.hmget(scheduleHomesKey(slot), ...keys)
  return found.map((text) => {
    if (text === null) return undefined
    const [queue = '', since] = text.split(' ')
    return { queue, since: Number(since) }
  })
}

export async function writeHomes(redis: Redis, slot: number, homes: ReadonlyMap<string, Home>): Promise<void> {
  const fields = Array.from(homes, ([key, { queue, since }]) => [key, `${queue} ${since}`])
  if (fields.length > 0) await redis.hset(scheduleHomesKey(slot), ...fields.flat())
}

const NONE: readonly number[] = Object.freeze([])

/** What is known of a schedule's ticks in its home. Instants are in ms as planned. */
export interface TickState {
  /** The last that was decided; undefined if none was. */
  decided: number | undefined
  /** Those that wait for an earlier job to end. */
  held: readonly number[]
}

/**
 * Begins to decide ticks of a slot in a queue: whoever had the slot before can decide no more there.
 *
 * @returns for each schedule what is known; undefined if the slot is another's by now
 */
export async function openSlot(
  redis: Redis,
  queue: string,
  { slot, token }: { slot: number; token: number },
  keys: readonly string[],
): Promise<TickState[] | undefined> {
  const places = [ticksKey(queue), tickFencesKey(queue), heldTicksKey(queue)]
  const found = (await runScript(redis, 'openSlot', places, [slot, token, ...keys])) as 0 | (string | null)[]
  if (found === 0) return undefined
  return keys.map((_, i) => ({
    decided: found[2 * i] == null ? undefined : Number(found[2 * i]),
    held: found[2 * i + 1]?.split(',').map(Number) ?? NONE,
  }))
}

/** What is known of schedules in a queue, for those who decide nothing there. In order. */
export async function readTickStates(redis: Redis, queue: string, keys: readonly string[]): Promise<TickState[]> {
  if (keys.length === 0) return []
  const reads = redis
    .pipeline()
    .hmget(ticksKey(queue), ...keys)
    .hmget(heldTicksKey(queue), ...keys)
  const [decided, held] = await readTogether<[(string | null)[], (string | null)[]]>(reads)
  return keys.map((_, i) => ({
    decided: decided[i] == null ? undefined : Number(decided[i]),
    held: held[i]?.split(',').map(Number) ?? NONE,
  }))
}

/**
 * After the last tick of a schedule that was deleted, or that moved: what was decided there is forgotten, and ticks that wait for a
 * job are written down as skipped.
 *
 * @param reason why those never fired, in one line
 */
export async function leaveHome(redis: Redis, queue: string, key: string, reason: string): Promise<void> {
  const places = [ticksKey(queue), heldTicksKey(queue), unfiredTicksKey(queue)]
  await runScript(redis, 'leaveHome', places, [key, Date.now(), reason])
}
