import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { schedulersKey, schedulesEpochKey, schedulesRevisionKey, slotLeasesKey } from '../keys.ts'
import { runScript } from '../redis/scripts.ts'

/** Schedules are shared out by slots, which schedulers hold. Their number is part of what is stored. */
export const SLOTS = 64

/** @param key of a schedule, see `scheduleKey` */
export const slotOf = (key: string): number => createHash('sha1').update(key).digest().readUInt16BE(0) % SLOTS

export interface SlotRequest {
  /** Who this is, among several schedulers: without spaces. */
  scheduler: string
  ttlMs: number
  wanted: readonly number[]
  /** To be given back, if they are held. */
  unwanted: readonly number[]
}

export interface HeldSlots {
  /** By the clock of Redis, in ms since 1970 with three decimals. */
  now: number
  /** When the definitions in Redis were begun, in ms; undefined if there are none. */
  epoch: number | undefined
  /** Up to which revision all of them are there. */
  revision: number | undefined
  /** The schedulers there are, sorted. */
  schedulers: string[]
  /** The token of each slot that is held now, of those that were wanted. */
  tokens: Map<number, number>
}

/** Says that a scheduler is there, and takes, renews and gives back slots: all in one step. */
export function holdSlots(redis: Redis, request: SlotRequest): Promise<HeldSlots> {
  return askForSlots(redis, request, 'stay')
}

/** Gives back slots, and says that the scheduler is no more. */
export async function leaveSlots(redis: Redis, scheduler: string, unwanted: readonly number[]): Promise<void> {
  await askForSlots(redis, { scheduler, ttlMs: 60_000, wanted: [], unwanted }, 'leave')
}

async function askForSlots(redis: Redis, request: SlotRequest, verb: 'stay' | 'leave'): Promise<HeldSlots> {
  const { scheduler, ttlMs, wanted, unwanted } = request
  const keys = [slotLeasesKey, schedulersKey, schedulesEpochKey, schedulesRevisionKey]
  const args = [scheduler, ttlMs, verb, wanted.length, ...wanted, ...unwanted]
  const [now, epoch, revision, schedulers, tokens] = (await runScript(redis, 'holdSlots', keys, args)) as [
    string,
    string | null,
    string | null,
    string[],
    string[],
  ]
  const held = wanted.map((slot, i) => [slot, Number(tokens[i])] as const).filter(([, token]) => token > 0)
  return {
    now: Number(now) / 1000,
    epoch: epoch === null ? undefined : Number(epoch),
    revision: revision === null ? undefined : Number(revision),
    schedulers: schedulers.sort(),
    tokens: new Map(held),
  }
}

/** The schedulers that were heard of lately, with when that was (ms by Redis' clock). */
export async function listSchedulers(redis: Redis): Promise<Map<string, number>> {
  const found = await redis.zrange(schedulersKey, '0', '-1', 'WITHSCORES')
  return new Map(Array.from({ length: found.length / 2 }, (_, i) => [found[2 * i] as string, Number(found[2 * i + 1])]))
}
