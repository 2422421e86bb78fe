import { type Database, readAccessSnapshot } from '@foliot/history'
import { connectForRequests, defineScripts, projectAccess, untilReady } from '@foliot/queue'
import type { Surroundings } from '../command.ts'

const REDIS_WITHIN_MS = 1500

/** Tells every process of a change at once. Without a Redis that answers they hear of it from PostgreSQL within seconds. */
export async function spreadKeys(db: Database, { env, note }: Surroundings): Promise<void> {
  const { FOLIOT_REDIS_URL: url } = env()
  if (url === undefined) return
  const redis = defineScripts(connectForRequests(url))
  // What is wrong is told below.
  redis.on('error', () => undefined)
  try {
    await untilReady(redis, REDIS_WITHIN_MS)
    const snapshot = await readAccessSnapshot(db, Date.now())
    await projectAccess(redis, snapshot.revision, JSON.stringify(snapshot))
  } catch (error) {
    note(`It is done, and an api hears of it from PostgreSQL: Redis could not be told. ${(error as Error).message}`)
  } finally {
    redis.disconnect()
  }
}
