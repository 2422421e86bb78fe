import { scheduleOfKey, type TickOutcome, type UnfiredTick } from '@foliot/jobs'
import type { Redis } from 'ioredis'
import { unfiredTicksKey } from '../keys.ts'

/** Records of ticks without a job, until the history has them. Where nobody takes them the last 100 000 of a queue stay. */

export interface StoredUnfiredTick {
  place: string
  tick: UnfiredTick
}

/** The oldest of a queue. */
export async function readUnfiredTicks(redis: Redis, queue: string, count: number): Promise<StoredUnfiredTick[]> {
  return toTicks(await redis.xrange(unfiredTicksKey(queue), '-', '+', 'COUNT', count))
}

/** The newest of a queue, the newest first. */
export async function readNewestUnfiredTicks(redis: Redis, queue: string, count: number): Promise<StoredUnfiredTick[]> {
  return toTicks(await redis.xrevrange(unfiredTicksKey(queue), '+', '-', 'COUNT', count))
}

/** Removes what the history has. */
export async function takeUnfiredTicks(redis: Redis, queue: string, places: readonly string[]): Promise<void> {
  if (places.length > 0) await redis.xdel(unfiredTicksKey(queue), ...places)
}

function toTicks(entries: [place: string, fields: string[]][]): StoredUnfiredTick[] {
  return entries.map(([place, fields]) => {
    const field = (name: string): string => fields[fields.indexOf(name) + 1] ?? ''
    const { tenant, id: scheduleId } = scheduleOfKey(field('k'))
    const tick: UnfiredTick = {
      tenant,
      scheduleId,
      scheduledFor: Number(field('from')),
      until: Number(field('to')),
      count: field('n') === '' ? null : Number(field('n')),
      outcome: field('o') as TickOutcome,
      reason: field('r'),
      decidedAt: Number(field('at')),
    }
    return { place, tick }
  })
}
