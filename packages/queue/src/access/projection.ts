import type { Redis } from 'ioredis'
import { accessRevisionKey, accessSnapshotKey } from '../keys.ts'
import { runScript } from '../redis/scripts.ts'

/**
 * Who may do what, as it was read from PostgreSQL, so that keys are known while that is away. What the text says is the
 * concern of those who write and read it.
 */

/** Writes it, unless what Redis has is as new. @returns whether it was written. */
export async function projectAccess(redis: Redis, revision: number, snapshot: string): Promise<boolean> {
  const written = await runScript(redis, 'projectAccess', [accessSnapshotKey, accessRevisionKey], [revision, snapshot])
  return written === 1
}

/** Of what Redis has; undefined if it has nothing, or has lost a part of it. */
export async function projectedRevision(redis: Redis): Promise<number | undefined> {
  const [revision, exists] = await Promise.all([redis.get(accessRevisionKey), redis.exists(accessSnapshotKey)])
  return revision === null || exists === 0 ? undefined : Number(revision)
}

/** Undefined if Redis has nothing. */
export async function readProjection(redis: Redis): Promise<string | undefined> {
  return (await redis.get(accessSnapshotKey)) ?? undefined
}
