import type { Redis } from 'ioredis'
import { enqueueBucketKey } from '../keys.ts'
import { runScript } from '../redis/scripts.ts'

/** How many jobs may be enqueued: `max` at once, and as many in every `perMs` milliseconds. */
export interface EnqueueRate {
  max: number
  perMs: number
}

export interface Tokens {
  /** Of the jobs that were asked for, how many may be enqueued. */
  taken: number
  left: number
  /** Until there is one more, and until there are `max`, in milliseconds. */
  nextInMs: number
  fullInMs: number
}

/**
 * Takes leave to enqueue jobs of a tenant from its token bucket, which all processes share.
 *
 * @param wanted how many; less than 0 gives some back
 */
export async function takeTokens(redis: Redis, tenant: string, rate: EnqueueRate, wanted: number): Promise<Tokens> {
  const reply = await runScript(redis, 'takeTokens', [enqueueBucketKey(tenant, rate)], [rate.max, rate.perMs, wanted])
  const [taken, left, nextInMs, fullInMs] = reply as [number, number, number, number]
  return { taken, left, nextInMs, fullInMs }
}
